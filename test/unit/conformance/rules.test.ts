import { describe, expect, it } from 'vitest'
import { SUPPORTED_NIPS } from '../../../relay/server/document.js'
import { ALL_RULES } from '../../conformance/all-rules.js'
import { mined, newAuthor, zeroBits } from '../../conformance/author.js'
import { pageOf } from '../../conformance/page.js'
import { nipName, tableOf, tally } from '../../conformance/report.js'
import { Broken, expect as holds, same } from '../../conformance/rule.js'
import { isAdvertised } from '../../conformance/runner.js'
import type { RuleResult } from '../../conformance/runner.js'
import { rowsOf, sectionsOf } from '../guards/pages.js'

const PAGE = 'docs/conformance.md'

describe('the rules', () => {
  it('have an id each that says its NIP, and one line of words', () => {
    const ids = ALL_RULES.map(({ id }) => id)

    expect(new Set(ids).size).toBe(ids.length)
    for (const { id, nip, what } of ALL_RULES) {
      expect(id).toMatch(/^(nip\d\d|relay)(-[a-z0-9]+)+$/)
      expect(id.startsWith('nip')).toBe(nip !== null)
      expect(what, id).toMatch(/^[^\n|]{8,140}$/)
    }
  })

  it('show every NIP that the relay says it has, and the relay says every one that they show', () => {
    const shown = new Set(ALL_RULES.flatMap(({ nip, stand }) => (nip === null || stand === 'managed' ? [] : [nip])))
    // Said only where somebody manages it.
    for (const nip of [86, 98]) shown.delete(nip)

    expect([...shown].sort((a, b) => a - b)).toEqual(SUPPORTED_NIPS)
  })
})

describe('docs/conformance.md', () => {
  const sections = sectionsOf(PAGE).filter(({ heading }) => /^(NIP-\d\d|Operation)$/.test(heading))
  const rows = sections.flatMap(({ heading, text }) => rowsOf(text).map((cells) => [heading, ...cells]))

  it('lists exactly the rules there are, with their NIPs and words', () => {
    const written = rows.map(([heading, id, nip, what]) => [heading, id, nip, what?.replaceAll('\\<', '<')])
    const there = ALL_RULES.map(({ id, nip, what }) => [
      nipName(nip),
      `\`${id}\``,
      nip === null ? '' : String(nip),
      what,
    ])

    expect(written).toEqual(there)
  })

  it('says that our relay holds all of them', () => {
    expect(rows.filter((cells) => cells[4] !== 'yes')).toEqual([])
  })

  it('shows that relays differ', () => {
    const marks = new Set(rows.map((cells) => cells[5]))

    expect([...marks].sort()).toEqual(['-', 'no', 'no, not required', 'yes'])
  })
})

describe('what the suite is made of', () => {
  const result = (over: Partial<RuleResult>): RuleResult => ({
    ...{ rule: 'nip01-x', nip: 1, required: true, pass: true, detail: '' },
    ...over,
  })

  it('counts what fails apart from what is not required and what was not run', () => {
    const results = [
      result({}),
      result({ pass: false, detail: 'seen' }),
      result({ pass: false, required: false }),
      result({ pass: null }),
    ]

    expect(tally(results)).toEqual({ passed: 1, failed: 1, missed: 1, skipped: 1 })
    expect(tableOf(results, [])).toContain('  FAIL  nip01-x  \n        seen')
  })

  it('marks a page by what each relay did', () => {
    const rules = ALL_RULES.slice(0, 2)
    const columns = [{ name: 'one', results: [result({ rule: rules[0]!.id, pass: false })] }]

    const page = pageOf(rules, columns)

    expect(page).toContain(`| \`${rules[0]!.id}\` | 1 | ${rules[0]!.what} | no |`)
    expect(page).toContain(`| \`${rules[1]!.id}\` | 1 | ${rules[1]!.what} | - |`)
  })

  it.each([
    [1, undefined, true],
    [null, undefined, true],
    [9, undefined, false],
    [9, [1, 9], true],
    [17, [59], true],
    [98, [86], true],
    [45, 'all', false],
  ])('asks for NIP %s of a relay that says %s: %s', (nip, supported, asked) => {
    expect(isAdvertised(nip, { supported_nips: supported })).toBe(asked)
  })

  it('shows what was seen and what should have been', () => {
    expect(() => same([1], [2], 'the list')).toThrow(new Broken('the list: [1] instead of [2]'))
    expect(() => holds(false, 'words')).toThrow(Broken)
    expect(() => same([1], [1], 'the list')).not.toThrow()
  })

  it('counts leading zero bits, and finds events that have them', () => {
    expect(['ff', '7f', '002f', '0000'].map(zeroBits)).toEqual([0, 1, 10, 16])
    expect(zeroBits(mined(newAuthor(), (bits) => bits === 5).id)).toBe(5)
  })
})
