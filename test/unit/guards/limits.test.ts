import { describe, expect, it } from 'vitest'
import { numberIn, numberSaid } from './numbers.js'
import { codeIn, rowsOf, sectionOf } from './pages.js'

const rows = rowsOf(sectionOf('ARCHITECTURE.md', 'What bounds every queue').text)

describe('the table of limits in ARCHITECTURE.md', () => {
  it.each(rows)('says rightly how many: %s', (_what, limit, _beyond, where) => {
    const [path = '', name = ''] = codeIn(where)

    expect(numberSaid(limit)).toBe(numberIn(path, name))
  })

  it('is there', () => {
    expect(rows.length).toBeGreaterThan(30)
  })
})

describe('the reading of numbers', () => {
  it('fails for what is not there, rather than to agree with it', () => {
    expect(() => numberIn('src/bridge.ts', 'NO_SUCH_WINDOW')).toThrow('no constant NO_SUCH_WINDOW')
    expect(() => numberIn('src/transports/limits.ts', 'DEFAULT_LIMITS.inbox.maxNothing')).toThrow('no maxNothing')
    expect(() => numberSaid('many')).toThrow('no number')
  })
})
