import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { prefixOf, readFrame, relayWords } from '../../../src/transports/frames.js'

const read = (text: string): ReturnType<typeof readFrame> => readFrame(Buffer.from(text))

describe('readFrame', () => {
  it('reads what relays say', () => {
    expect(read('["EVENT","s",{"id":1}]')).toEqual({ type: 'event', sub: 's', event: { id: 1 }, bytes: 8 })
    expect(read('["OK","x",true,"duplicate: have it"]')).toEqual({
      type: 'ok',
      id: 'x',
      ok: true,
      message: 'duplicate: have it',
    })
    expect(read('["OK","x",false]')).toEqual({ type: 'ok', id: 'x', ok: false, message: '' })
    expect(read('["EOSE","s"]')).toEqual({ type: 'eose', sub: 's' })
    expect(read('["EOSE","s",["finish"]]')).toEqual({ type: 'eose', sub: 's' })
    expect(read('["CLOSED","s","error: no"]')).toEqual({ type: 'closed', sub: 's', message: 'error: no' })
    expect(read('["NOTICE","hello"]')).toEqual({ type: 'notice', message: 'hello' })
    expect(read('["AUTH","c"]')).toEqual({ type: 'auth', challenge: 'c' })
  })

  it('answers undefined to everything else, and never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(read(text)).toBeUndefined()
      }),
    )
    const verbs = fc.constantFrom('EVENT', 'OK', 'EOSE', 'CLOSED', 'NOTICE', 'AUTH', 'COUNT', 'NEG-MSG', 5, null)
    fc.assert(
      fc.property(fc.tuple(verbs, fc.jsonValue(), fc.jsonValue(), fc.jsonValue()), (frame) => {
        expect(() => read(JSON.stringify(frame))).not.toThrow()
      }),
    )
    expect(read(JSON.stringify(['AUTH', 'x'.repeat(513)]))).toBeUndefined()
    expect(read(JSON.stringify(['EVENT', 'x'.repeat(65), {}]))).toBeUndefined()
  })
})

describe("a relay's words", () => {
  it('are short and can do nothing to a terminal or a log', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (said) => {
        const words = relayWords(said)
        expect(words.length).toBeLessThanOrEqual(200)
        expect(words).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u)
      }),
    )
    expect(relayWords('error:\u001b[2J\u202eevil\n')).toBe('error: [2J evil')
    expect(relayWords({ a: 1 })).toBe('')
  })

  it('have a machine-readable prefix, or none', () => {
    expect(prefixOf('auth-required: who are you')).toBe('auth-required')
    expect(prefixOf('no prefix here')).toBe('')
    expect(prefixOf('http://x')).toBe('http')
    expect(prefixOf('')).toBe('')
  })
})
