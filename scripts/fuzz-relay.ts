import { randomInt } from 'node:crypto'
import { Command } from 'commander'
import { printError, printJson, printLine, usageError } from '../src/cli/print.js'
import { fuzzDifferentially } from './fuzz-relay/run.js'
import type { Failure, Report } from './fuzz-relay/run.js'

/**
 * Asks the relay's store and its live subscriptions random questions and compares every answer with a naive reading of
 * NIP-01:
 *
 *   npm run fuzz:relay -- --pairs 100000 --seed 7
 *
 * A pair is a set of filters and a set of events. A failure is cut down to as little as still fails; its own seed makes it
 * again: `--pairs 25 --seed N`.
 */

interface Options {
  readonly pairs: number
  readonly seed?: number
  readonly json?: boolean
}

const MAX_FAILURES = 5
const PROGRESS_PAIRS = 10_000

const wholeNumber = (text: string): number => {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw usageError(`${text.slice(0, 20)} is no whole number`)
}

const fuzz = ({ pairs, seed = randomInt(1_000_000_000), json }: Options): void => {
  if (json !== true) printLine(`seed ${seed}`)
  let told = 0
  const progress = (done: number): void => {
    if (json === true || done < told + PROGRESS_PAIRS) return
    told = done
    printLine(`${done} pairs`)
  }
  const report = fuzzDifferentially({ seed, pairs, maxFailures: MAX_FAILURES, progress })
  if (json === true) printJson(report)
  else describe(report)
  if (report.failures.length > 0) process.exitCode = 1
}

const describe = ({ pairs, failures, shares }: Report): void => {
  for (const [name, share] of Object.entries(shares)) printLine(`  ${share.toFixed(4)}  ${name}`)
  for (const failure of failures) tell(failure)
  printLine(`${pairs} pairs, ${failures.length === 0 ? 'no failure' : `${failures.length} FAILED`}`)
}

const tell = ({ seed, mismatch, world }: Failure): void => {
  printLine(`\nFAILED, seed ${seed}, ${mismatch.road}`)
  printLine(`  found  ${JSON.stringify(mismatch.found)}`)
  printLine(`  wanted ${JSON.stringify(mismatch.wanted)}`)
  for (const event of world.events) printLine(`  event  ${JSON.stringify(event)}`)
  const { batch, readers, swept } = world
  printLine(`  with   ${JSON.stringify({ batch, readers, swept })}`)
  for (const query of world.queries) printLine(`  query  ${JSON.stringify(query)}`)
}

const program = new Command('npm run fuzz:relay --')
  .description('Compares every road out of the relay with a naive reading of NIP-01.')
  .option('--pairs <n>', 'of a set of filters and a set of events', wholeNumber, 100_000)
  .option('--seed <n>', 'of the first set of events (default: a random one)', wholeNumber)
  .option('--json', 'one JSON object')
  .action((options: Options) => {
    try {
      fuzz(options)
    } catch (error) {
      process.exitCode = printError(error, options.json === true)
    }
  })
try {
  program.parse()
} catch (error) {
  process.exitCode = printError(error, false)
}
