import { parseArgs } from 'node:util'
import { reasonOf } from '../src/core/fault.js'
import { ALL_RULES } from '../test/conformance/all-rules.js'
import { fetchDocument } from '../test/conformance/document.js'
import { tableOf, tally } from '../test/conformance/report.js'
import { runRules } from '../test/conformance/runner.js'

const USAGE = `usage: npm run conformance [-- URL] [options]

Checks a relay, rule by rule, against the NIPs and against what a relay that is trusted needs. Without a URL: our own,
built one, which is started for it, with and without an operator's settings. Ends with 1 where a required rule fails.
It writes with keys that are made for it, so a relay with lists of keys is to be started without them first.

  --json             one JSON object a line for each rule: {"rule","nip","required","pass","detail"}
  --only PREFIX      only the rules whose id starts so; may be given several times
  --all              also the rules of NIPs that the relay does not say it has
  --list             tells the rules and what they check, and runs none
  --jobs N           rules at the same time (default 4)
  --timeout SECONDS  for one answer of the relay (default 5); a rule may take four times as long

example: npm run conformance -- wss://relay.example --only nip09
`

const MAX_JOBS = 64
const MAX_TIMEOUT_SEC = 120
/** A rule waits for several answers. */
const ANSWERS_OF_A_RULE = 4

interface Wanted {
  readonly url: string | undefined
  readonly only: readonly string[]
  readonly json: boolean
  readonly all: boolean
  readonly list: boolean
  readonly jobs: number
  readonly answerMs: number
}

class WrongUsage extends Error {}

const numberOf = (flag: string, text: string, max: number): number => {
  const number = Number(text)
  if (/^\d{1,4}$/.test(text) && number >= 1 && number <= max) return number
  throw new WrongUsage(`--${flag} needs a whole number from 1 to ${max}`)
}

const readArguments = (argv: readonly string[]): Wanted | 'help' => {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      all: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      jobs: { type: 'string', default: '4' },
      timeout: { type: 'string', default: '5' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  if (values.help) return 'help'
  const [url, ...more] = positionals
  if (more.length > 0) throw new WrongUsage('one URL at most')
  if (url !== undefined && !/^wss?:\/\/[^\s/]/.test(url)) throw new WrongUsage(`${url} is not a ws:// or wss:// URL`)
  const { json, only, all, list } = values
  const timeoutSec = numberOf('timeout', values.timeout, MAX_TIMEOUT_SEC)
  return { url, json, only, all, list, jobs: numberOf('jobs', values.jobs, MAX_JOBS), answerMs: timeoutSec * 1_000 }
}

const run = async ({ url, only, json, all, list, jobs, answerMs }: Wanted): Promise<number> => {
  const rules = ALL_RULES.filter(({ id }) => only.length === 0 || only.some((prefix) => id.startsWith(prefix)))
  if (rules.length === 0) throw new WrongUsage(`no rule starts with ${only.join(' or ')}`)
  if (list) {
    for (const { id, nip, what } of rules)
      console.log(json ? JSON.stringify({ rule: id, nip, what }) : `${id}  ${what}`)
    return 0
  }
  if (url !== undefined) await warnOfClosed(url, answerMs)
  const results = await runRules({
    ...{ rules, all, jobs, answerMs, ruleMs: ANSWERS_OF_A_RULE * answerMs },
    ...(url === undefined ? {} : { url }),
    ...(json ? { onResult: (result) => console.log(JSON.stringify(result)) } : {}),
  })
  if (!json) console.log(tableOf(results, ALL_RULES))
  return tally(results).failed > 0 ? 1 : 0
}

/** Else a closed relay looks like a broken one. */
const warnOfClosed = async (url: string, answerMs: number): Promise<void> => {
  const { auth_required: asks, restricted_writes: restricts } = (await fetchDocument(url, answerMs))?.limitation ?? {}
  if (asks !== true && restricts !== true) return
  const advice = 'rules that write or read will fail; run it against one with the same settings and no lists of keys'
  process.stderr.write(`conformance: ${url} says that it is closed to keys it does not know: ${advice}\n`)
}

const main = async (argv: readonly string[]): Promise<number> => {
  let wanted: Wanted | 'help'
  try {
    wanted = readArguments(argv)
    if (wanted !== 'help') return await run(wanted)
    process.stdout.write(USAGE)
    return 0
  } catch (error) {
    const isUsage = error instanceof WrongUsage || (error instanceof TypeError && 'code' in error)
    process.stderr.write(`conformance: ${reasonOf(error)}${isUsage ? '; see --help' : ''}\n`)
    return isUsage ? 2 : 1
  }
}

process.exitCode = await main(process.argv.slice(2))
