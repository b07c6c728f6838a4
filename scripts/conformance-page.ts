import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { format, resolveConfig } from 'prettier'
import { startChild } from '../src/ops/child.js'
import { ALL_RULES } from '../test/conformance/all-rules.js'
import { pageOf } from '../test/conformance/page.js'
import { tally } from '../test/conformance/report.js'
import { runRules } from '../test/conformance/runner.js'
import type { RuleResult } from '../test/conformance/runner.js'

/**
 * npm run conformance:page
 * Runs all rules against our own relay and against that of the packages @nostr-relay/*, and writes docs/conformance.md. Ends
 * with 1, and writes it all the same, where ours fails one.
 */
const root = fileURLToPath(
  new URL(existsSync(new URL('../package.json', import.meta.url)) ? '../' : '../../', import.meta.url),
)
const page = join(root, 'docs', 'conformance.md')
const HOSTNAME = '127.0.0.1'
const ANSWER_MS = 5_000
const RULE_MS = 20_000

const run = (jobs: number, url?: string): Promise<RuleResult[]> =>
  runRules({
    ...{ rules: ALL_RULES, all: true, jobs, ruleMs: RULE_MS, answerMs: ANSWER_MS },
    ...(url === undefined ? {} : { url }),
  })

const ours = await run(4)
const other = startChild(join(root, 'test', 'support', 'npm-relay.mjs'), ['--hostname', HOSTNAME])
try {
  const url = (await other.line(/^ready ws:/)).slice('ready '.length)
  // Mostly it is waited for answers that do not come.
  const theirs = await run(16, url)
  const text = pageOf(ALL_RULES, [
    { name: 'ours', results: ours },
    { name: '@nostr-relay', results: theirs },
  ])
  writeFileSync(page, await format(text, { ...(await resolveConfig(page)), parser: 'markdown' }))
} finally {
  await other.stop('SIGTERM')
}
for (const { rule, detail } of ours.filter(({ pass, required }) => pass === false && required))
  console.log(`${rule}  ${detail}`)
console.log(`${page} is written; ours: ${JSON.stringify(tally(ours))}`)
process.exitCode = tally(ours).failed > 0 ? 1 : 0
