import { mkdirSync, readFileSync } from 'node:fs'
import { reasonOf } from '../src/core/fault.js'
import { CONTESTANTS } from './bench/relay-contestants.js'
import { writeDocs } from './bench/relay-docs.js'
import { takeAll } from './bench/relay-figures.js'
import type { Measurement, Row } from './bench/relay-figures.js'
import { loadNow, machineOf } from './bench/relay-machine.js'
import { readOptions } from './bench/relay-options.js'
import type { BenchOptions } from './bench/relay-options.js'
import { runPart } from './bench/relay-parts.js'
import { planOf } from './bench/relay-plan.js'
import { profileFlags, profilesIn } from './bench/relay-profile.js'
import { reportOf } from './bench/relay-report.js'
import type { Report } from './bench/relay-report.js'
import { markdownOf, tableOf } from './bench/relay-tables.js'
import { openWorkplace } from './bench/relay-workplace.js'
import type { Workplace } from './bench/relay-workplace.js'
import { ensureNative } from './ensure-native.js'
import type { Native } from './ensure-native.js'

/** npm run bench:relay [-- --help]. The processes that it starts are this same program, as `part NAME TASK`. */

/** With the seconds since the start. */
const progress = (words: string): void =>
  void process.stderr.write(`${process.uptime().toFixed(0).padStart(4)} s  ${words}\n`)

/** What of everything that can be measured is asked for. */
const chosen = (measurements: readonly Measurement[], { questions, contestants }: BenchOptions): Measurement[] =>
  measurements.filter(
    ({ question, contestant }) =>
      (questions.length === 0 || questions.includes(question)) &&
      (contestants.length === 0 || contestants.includes(contestant)),
  )

const findNative = async (): Promise<Native> => {
  const native = await ensureNative()
  if ('library' in native) process.env['KSP_LIBSECP256K1'] ??= native.library
  return native
}

const runBench = async (options: BenchOptions, workplace: Workplace): Promise<Report> => {
  if (options.from !== undefined) return JSON.parse(readFileSync(options.from, 'utf8')) as Report
  const loadBefore = loadNow()
  const native = await findNative()
  const hasNative = 'library' in native
  const contestants = CONTESTANTS.filter(({ needsNative }) => hasNative || !needsNative)
  const plan = chosen(planOf({ workplace, options, contestants, native: hasNative, progress }), options)
  const rows = await takeAll(plan, options.runs, progress)
  const leftOut: Record<string, string> = hasNative ? {} : { 'what needs libsecp256k1': native.missing }
  return reportOf(rows, options, machineOf(hasNative ? native.library : undefined, loadBefore), leftOut)
}

/** Our relay in one question, watched by node's profiler: what it costs is not what it costs otherwise. */
const runProfile = async (options: BenchOptions, workplace: Workplace): Promise<string> => {
  await findNative()
  const folder = workplace.newFile('profiles')
  mkdirSync(folder)
  const [contestant = 'native'] = options.contestants
  const contestants = CONTESTANTS.filter(({ name }) => name === contestant)
  const flags = profileFlags(folder)
  const plan = planOf({ workplace, options, contestants, native: false, progress, flags })
  const [question = 'ingest_10'] = options.questions
  const measurement = plan.find((m) => m.question === question && m.contestant === contestant)
  if (measurement === undefined) throw new Error(`${contestant} is not asked ${question}`)
  const rows: Row[] = await takeAll([measurement], 1, progress)
  const wrong = Object.keys(rows[0]?.wrong ?? {})
  if (wrong.length > 0) throw new Error(wrong.join('; '))
  return profilesIn(folder)
}

const print = (report: Report, { output, write }: BenchOptions): void => {
  if (output === 'json') console.log(JSON.stringify(report))
  else console.log(output === 'markdown' ? markdownOf(report) : tableOf(report))
  if (write) progress(`written into ${writeDocs(markdownOf(report))}`)
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
    if (options.profile) {
      console.log(await runProfile(options, workplace))
      return 0
    }
    const report = await runBench(options, workplace)
    print(report, options)
    return report.ok ? 0 : 1
  } catch (error) {
    process.stderr.write(`bench:relay: ${reasonOf(error)}\n`)
    return 1
  } finally {
    await workplace.close()
  }
}

const [first, ...rest] = process.argv.slice(2)
if (first === 'part') await runPart(...rest)
else process.exitCode = await main([...(first === undefined ? [] : [first]), ...rest])
