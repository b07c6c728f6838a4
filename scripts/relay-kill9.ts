import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomInt } from 'node:crypto'
import { Command } from 'commander'
import { CliError, printError, printJson, printLine, usageError } from '../src/cli/print.js'
import { runRound } from './relay-kill9/round.js'
import type { RoundResult } from './relay-kill9/round.js'

/**
 * Kill -9 of the bundled relay under load, again and again:
 *
 *   npm run chaos:relay -- --rounds 50
 *
 * Each round has a file and a seed of its own; the seed is printed and makes the same events and the same moments again, as
 * far as the network lets it. The folder of a round that went wrong is kept.
 */

interface Options {
  readonly rounds: number
  readonly seed?: number
  readonly json?: boolean
}

const wholeNumber = (text: string): number => {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw usageError(`${text.slice(0, 20)} is no whole number`)
}

const killAgainAndAgain = async ({ rounds, seed, json }: Options): Promise<void> => {
  const first = seed ?? randomInt(1_000_000_000)
  const sum = { bad: 0, kills: 0, sent: 0, accepted: 0, lost: 0 }
  for (let round = 1; round <= rounds; round++) {
    const dir = mkdtempSync(join(tmpdir(), 'ksp-relay-kill9-'))
    const result = await runRound({ dir, seed: first + round - 1 })
    const good = result.problems.length === 0
    if (good) rmSync(dir, { recursive: true, force: true })
    else sum.bad++
    sum.kills += result.kills.length
    sum.sent += result.sent
    sum.accepted += result.accepted
    sum.lost += result.problems.filter((problem) => problem.startsWith('lost')).length
    if (json === true) printJson({ round, ...result, ...(good ? {} : { dir }) })
    else describe(round, result, dir)
  }
  if (json === true) printJson({ rounds, seed: first, ...sum })
  else {
    printLine(
      `${rounds - sum.bad} of ${rounds} rounds were good: ${sum.kills} kills, ${sum.accepted} events with OK true`,
    )
  }
  if (sum.bad > 0 && json !== true) throw new CliError('failed', `${sum.bad} rounds went wrong`, { hint: 'see above' })
  if (sum.bad > 0) process.exitCode = 1
}

const MAX_SHOWN = 10

const describe = (round: number, r: RoundResult, dir: string): void => {
  const verdict = r.problems.length === 0 ? 'ok' : `WRONG, see ${dir}`
  const told = `killed at ${r.kills.join(', ')} of ${r.sent} events, ${r.accepted} with OK true, ${r.stored} stored`
  printLine(`round ${round}, seed ${r.seed}: ${verdict}, ${(r.ms / 1000).toFixed(1)} s, ${told}`)
  for (const problem of r.problems.slice(0, MAX_SHOWN)) printLine(`  ${problem}`)
}

const program = new Command('npm run chaos:relay --')
  .description(
    'Kills the bundled relay with -9 under load, and checks that nothing with OK true is lost and nothing is half.',
  )
  .option('--rounds <n>', 'how many', wholeNumber, 50)
  .option('--seed <n>', 'of the first round (default: a random one)', wholeNumber)
  .option('--json', 'one JSON object a round, and one for all')
  .action(killAgainAndAgain)

program.parseAsync().catch((error: unknown) => {
  process.exitCode = printError(error, process.argv.includes('--json'))
})
