import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { openEngine } from '../src/crypto/engine.js'
import { printError, printJson, printTable, usageError } from '../src/cli/print.js'
import { inPeace, openSiege, underAttack } from './bad-clients/assault.js'
import { ATTACKS } from './bad-clients/attacks.js'
import type { RoundTrip } from './bad-clients/good-client.js'
import { quantile } from './bench/relay-load-socket.js'

/**
 * What bad clients do to a good one: its round trips (one event after the other) before any attack and during each, with the
 * relay, the good client and the bad one in processes of their own:
 *
 *   npm run bench:bad-clients -- --json
 */

interface Options {
  readonly json?: boolean
  readonly only?: string
}

const MIN_ROUND_TRIPS = 100
const PEACEFUL_ROUND_TRIPS = 1_000

interface Figures {
  readonly roundTrips: number
  readonly okP50Ms: number
  readonly okP99Ms: number
  readonly liveP50Ms: number
  readonly liveP99Ms: number
  readonly liveMaxMs: number
}

const figuresOf = (roundTrips: readonly RoundTrip[]): Figures => {
  const [ok, live] = [roundTrips.map(({ okMs }) => okMs), roundTrips.map(({ liveMs }) => liveMs)]
  const ms = (values: readonly number[], q: number): number => Math.round(quantile(values, q) * 100) / 100
  return {
    ...{ roundTrips: roundTrips.length, okP50Ms: ms(ok, 0.5), okP99Ms: ms(ok, 0.99) },
    ...{ liveP50Ms: ms(live, 0.5), liveP99Ms: ms(live, 0.99), liveMaxMs: ms(live, 1) },
  }
}

const measure = async ({ json, only }: Options): Promise<void> => {
  const names = only === undefined ? Object.keys(ATTACKS) : only.split(',')
  const unknown = names.find((name) => !Object.hasOwn(ATTACKS, name))
  if (unknown !== undefined) throw usageError(`no attack is called ${unknown.slice(0, 40)}`)
  const dir = mkdtempSync(join(tmpdir(), 'ksp-bad-clients-'))
  const siege = await openSiege(join(dir, 'relay.sqlite'), await openEngine())
  try {
    const peace = figuresOf(await inPeace(siege, PEACEFUL_ROUND_TRIPS))
    const attacks: Record<string, Figures & { rssMb: number | undefined; outcome: unknown }> = {}
    for (const name of names) {
      const { roundTrips, rssMb, outcome } = await underAttack(siege, name, MIN_ROUND_TRIPS)
      attacks[name] = { ...figuresOf(roundTrips), rssMb, outcome }
    }
    if (json === true) printJson({ peace, attacks })
    else {
      const row = (name: string, f: Figures, rss: unknown): string[] =>
        [name, f.roundTrips, f.okP50Ms, f.okP99Ms, f.liveP50Ms, f.liveP99Ms, f.liveMaxMs, rss].map(String)
      printTable(
        ['ATTACK', 'EVENTS', 'OK P50 MS', 'OK P99', 'LIVE P50', 'LIVE P99', 'LIVE MAX', 'RSS MB'],
        [row('none', peace, ''), ...Object.entries(attacks).map(([name, f]) => row(name, f, f.rssMb ?? ''))],
      )
    }
  } finally {
    await siege.relay.stop('SIGTERM')
    rmSync(dir, { recursive: true, force: true })
  }
}

const program = new Command('npm run bench:bad-clients --')
  .description('What bad clients do to a good one of the bundled relay')
  .option('--json', 'one object with every figure')
  .option('--only <names>', `some attacks, with commas between: ${Object.keys(ATTACKS).join(', ')}`)
  .action(measure)

program.parseAsync().catch((error: unknown) => {
  process.exitCode = printError(error, process.argv.includes('--json'))
})
