import { nipName, tally } from './report.js'
import type { Rule } from './rule.js'
import type { RuleResult } from './runner.js'

/** docs/conformance.md: every rule, and what two relays make of it. */

export interface Column {
  readonly name: string
  readonly results: readonly RuleResult[]
}

const INTRO = `# Conformance

Written by \`npm run conformance:page\`; a test compares it with the rules there are. \`npm run conformance\` runs the
rules against our own relay, and \`npm run conformance -- wss://relay.example\` against any other:

- \`--json\` prints one object a line for each rule, \`--only nip09\` runs only some, \`--list\` runs none and tells them,
  \`--all\` runs also the rules of NIPs that a relay does not say it has; \`--help\` tells the rest.
- It ends with 1 where a required rule fails. Required is what a NIP demands that the relay says it has (NIP-01
  always), and what a relay that is trusted needs besides.
- Everything it writes is signed with fresh keys, so it may be run against a relay that holds data. It leaves some
  hundreds of small events there. A relay that is closed to keys it does not know fails nearly every rule: run it
  against one with the same settings and no lists of keys.

The marks: **yes**, it holds; **no**, it does not; **no, not required**, of a NIP that the relay does not say it has, or
of an advice; **-**, it was not run: the rule needs its operator to set the relay up, or a number that the relay does
not say.

The other relay is that of the npm packages \`@nostr-relay/*\` 0.0.40, started by \`test/support/npm-relay.mjs\` with
NIP-42 on, and run with \`--all\`. It is a library that leaves the document (NIP-11) to the program that uses it; the
one here gives none, so nothing but NIP-01 is required of it.
`

const MARKS = { true: 'yes', false: 'no', null: '-' } as const

export const markOf = (result: RuleResult | undefined): string => {
  if (result === undefined) return '-'
  return result.pass === false && !result.required ? 'no, not required' : MARKS[`${result.pass}`]
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
const plain = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '\\<')

export const pageOf = (rules: readonly Rule[], columns: readonly Column[]): string => {
  const by = columns.map(({ results }) => new Map(results.map((result) => [result.rule, result])))
  const lines = [INTRO, '## In numbers', '']
  lines.push(
    row(['Relay', 'holds', 'fails', 'not required, does not hold', 'not run']),
    row(['---', '---', '---', '---', '---']),
  )
  for (const { name, results } of columns) {
    const { passed, failed, missed, skipped } = tally(results)
    lines.push(row([name, ...[passed, failed, missed, skipped].map(String)]))
  }
  for (const nip of [...new Set(rules.map((rule) => rule.nip))]) {
    lines.push('', `## ${nipName(nip)}`, '', row(['Rule', 'NIP', 'What it checks', ...columns.map(({ name }) => name)]))
    lines.push(row(['---', '---', '---', ...columns.map(() => '---')]))
    for (const { id, what } of rules.filter((rule) => rule.nip === nip)) {
      const marks = by.map((results) => markOf(results.get(id)))
      lines.push(row([`\`${id}\``, nip === null ? '' : String(nip), plain(what), ...marks]))
    }
  }
  return `${lines.join('\n')}\n`
}
