import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { CliError, printError, printJson, printLine, usageError } from '../src/cli/print.js'
import { runRound, type RoundResult } from './kill9/round.js'

/**
 * Kill -9 of either bridge, of the relay and of either kapnetd in the middle of messages, again and again:
 *
 *   node dist/scripts/kill9.js --rounds 20 --messages 500
 *
 * Each round has a seed of its own, which is printed: `--rounds 1 --seed N` makes the same kills again. The folder of a round
 * that went wrong is kept.
 */

interface Options {
  readonly rounds: number
  readonly messages: number
  readonly seed?: number
  readonly json?: boolean
}

const wholeNumber = (text: string): number => {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw usageError(`${text.slice(0, 20)} is no whole number`)
}

const killAgainAndAgain = async ({ rounds, messages, seed, json }: Options): Promise<void> => {
  if (messages < 10) throw usageError('--messages is at least 10')
  const first = seed ?? randomInt(1_000_000_000)
  let bad = 0
  for (let round = 1; round <= rounds; round++) {
    const dir = mkdtempSync(join(tmpdir(), 'ksp-kill9-'))
    const result = await runRound({ dir, seed: first + round - 1, messages })
    const good = result.problems.length === 0
    if (good) rmSync(dir, { recursive: true, force: true })
    else bad++
    if (json === true) printJson({ round, ...result, ...(good ? {} : { dir }) })
    else describe(round, result, dir)
  }
  if (json === true) printJson({ rounds, bad, seed: first })
  else printLine(`${rounds - bad} of ${rounds} rounds were good`)
  if (bad > 0 && json !== true) throw new CliError('failed', `${bad} rounds went wrong`, { hint: 'see above' })
  if (bad > 0) process.exitCode = 1
}

const describe = (round: number, r: RoundResult, dir: string): void => {
  const verdict = r.problems.length === 0 ? 'ok' : `WRONG, see ${dir}`
  const kills = r.kills.map((k) => `${k.victim.replace(' of herm-qubes-', ' ')} at ${k.progress}`).join(', ')
  printLine(
    `round ${round}, seed ${r.seed}: ${verdict}, ${(r.ms / 1000).toFixed(1)} s, ${r.retried} sent again, ksp send ran ${r.sends} times`,
  )
  printLine(`  killed: ${kills}`)
  for (const problem of r.problems) printLine(`  ${problem}`)
}

const program = new Command('npm run chaos:kill9 --')
  .description(
    'Kills bridges, kapnetds and the relay while messages flow, and checks that none is lost, doubled or stuck.',
  )
  .option('--rounds <n>', 'how many', wholeNumber, 20)
  .option('--messages <n>', 'in each round, both directions together', wholeNumber, 500)
  .option('--seed <n>', 'of the first round (default: a random one)', wholeNumber)
  .option('--json', 'one JSON object a round')
  .action(killAgainAndAgain)

program.parseAsync().catch((error: unknown) => {
  process.exitCode = printError(error, process.argv.includes('--json'))
})
