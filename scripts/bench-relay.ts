import { createRequire } from 'node:module'
import { reasonOf } from '../src/core/fault.js'
import { aimsOf, ratiosOf } from './bench/relay-aims.js'
import { CONTESTANTS } from './bench/relay-contestants.js'
import { EVENT_BYTES } from './bench/relay-events.js'
import { takeAll } from './bench/relay-figures.js'
import { readOptions } from './bench/relay-options.js'
import type { BenchOptions } from './bench/relay-options.js'
import { runPart } from './bench/relay-parts.js'
import { planOf, WINDOW } from './bench/relay-plan.js'
import { machineOf, tableOf } from './bench/relay-report.js'
import type { Report } from './bench/relay-report.js'
import { openWorkplace, resultOf } from './bench/relay-workplace.js'
import type { Workplace } from './bench/relay-workplace.js'
import { ensureNative } from './ensure-native.js'

/** npm run bench:relay [-- --help]. The processes that it starts are this same program, as `part NAME TASK`. */

const progress = (words: string): void => void process.stderr.write(`${words}\n`)

const versions = (): Record<string, string> => {
  const require = createRequire(import.meta.url)
  const names = ['ws', 'better-sqlite3', '@nostr-relay/core']
  return Object.fromEntries(
    names.map((name) => {
      const { version } = require(`${name}/package.json`) as { version: string }
      return [name, version]
    }),
  )
}

const runBench = async (options: BenchOptions, workplace: Workplace): Promise<Report> => {
  const leftOut: Record<string, string> = {}
  const native = await ensureNative()
  const hasNative = 'library' in native
  if (hasNative) process.env['KSP_LIBSECP256K1'] ??= native.library
  else leftOut['what needs libsecp256k1'] = native.missing
  const contestants = CONTESTANTS.filter(({ needsNative }) => hasNative || !needsNative)
  const events = workplace.newFile('events.jsonl')
  progress(`signing ${options.events} events`)
  await resultOf(workplace, 'events', { file: events, count: options.events })
  const plan = planOf({ workplace, options, contestants, native: hasNative, events })
  const rows = await takeAll(plan, options.runs, progress)
  const ratios = ratiosOf(rows)
  const { runs } = options
  return {
    ok: rows.every(({ wrong }) => Object.keys(wrong).length === 0),
    machine: machineOf(hasNative ? native.library : undefined, versions()),
    settings: { runs, events: options.events, eventBytes: EVENT_BYTES, window: WINDOW },
    ratios,
    aims: aimsOf(rows, ratios),
    rows,
    leftOut,
  }
}

const main = async (argv: readonly string[]): Promise<number> => {
  const options = readOptions(argv)
  if ('words' in options) {
    process.stderr.write(options.words)
    return options.code
  }
  const workplace = openWorkplace()
  // Nothing is left behind, neither processes nor files.
  const stop = (): void => void workplace.close().then(() => process.exit(130))
  process.once('SIGINT', stop).once('SIGTERM', stop)
  try {
    const report = await runBench(options, workplace)
    console.log(options.output === 'json' ? JSON.stringify(report) : tableOf(report))
    return report.ok ? 0 : 1
  } catch (error) {
    progress(`bench:relay: ${reasonOf(error)}`)
    return 1
  } finally {
    await workplace.close()
  }
}

const [first, ...rest] = process.argv.slice(2)
if (first === 'part') await runPart(...rest)
else process.exitCode = await main([...(first === undefined ? [] : [first]), ...rest])
