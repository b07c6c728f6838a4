import type { Rule } from './rule.js'
import type { RuleResult } from './runner.js'

export interface Tally {
  readonly passed: number
  /** Required rules only. */
  readonly failed: number
  /** Others that did not hold. */
  readonly missed: number
  readonly skipped: number
}

export const tally = (results: readonly RuleResult[]): Tally => ({
  passed: results.filter(({ pass }) => pass === true).length,
  failed: results.filter(({ pass, required }) => pass === false && required).length,
  missed: results.filter(({ pass, required }) => pass === false && !required).length,
  skipped: results.filter(({ pass }) => pass === null).length,
})

export const nipName = (nip: number | null): string =>
  nip === null ? 'Operation' : `NIP-${String(nip).padStart(2, '0')}`

const MARKS = { true: 'ok  ', false: 'FAIL', null: '-   ' } as const

/** For a person, by NIP, with a summary at the end. */
export const tableOf = (results: readonly RuleResult[], rules: readonly Rule[]): string => {
  const words = new Map(rules.map(({ id, what }) => [id, what]))
  const width = Math.max(...results.map(({ rule }) => rule.length))
  const lines: string[] = []
  for (const nip of [...new Set(results.map((result) => result.nip))]) {
    lines.push('', nipName(nip))
    for (const { rule, pass, required, detail } of results.filter((result) => result.nip === nip)) {
      const mark = pass === false && !required ? 'miss' : MARKS[`${pass}`]
      lines.push(`  ${mark}  ${rule.padEnd(width)}  ${words.get(rule) ?? ''}`)
      if (detail !== '') lines.push(`        ${detail}`)
    }
  }
  const { passed, failed, missed, skipped } = tally(results)
  lines.push('', `${passed} hold, ${failed} fail, ${missed} that are not required do not hold, ${skipped} were not run`)
  return lines.join('\n').trimStart()
}
