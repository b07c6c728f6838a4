import type { CryptoEngine } from '../../src/ports.js'
import { builtProgram, startChild } from '../../src/ops/child.js'
import type { Child } from '../../src/ops/child.js'
import { usageOf } from '../bench/process-usage.js'
import type { Outcome } from './bad-client.js'
import { openGoodClient } from './good-client.js'
import type { RoundTrip } from './good-client.js'

/** A relay, one who keeps the rules, and one who does not: three processes. */
export interface Siege {
  readonly url: string
  readonly relay: Child
  readonly engine: CryptoEngine
}

export interface Assault {
  readonly outcome: Outcome
  /** Of the one who keeps the rules: every one was acknowledged and delivered. */
  readonly roundTrips: readonly RoundTrip[]
  readonly rssMb: number | undefined
}

export const openSiege = async (db: string, engine: CryptoEngine, args: readonly string[] = []): Promise<Siege> => {
  const relay = startChild(builtProgram('relay/main.js'), ['--listen', '127.0.0.1:0', '--db', db, ...args])
  const line = await relay.line(/^ready /)
  return { url: line.slice('ready '.length), relay, engine }
}

/** What the round trips are while nobody attacks. */
export const inPeace = async ({ url, engine }: Siege, count: number): Promise<RoundTrip[]> => {
  const good = await openGoodClient(url, engine)
  const roundTrips: RoundTrip[] = []
  while (roundTrips.length < count) roundTrips.push(await good.roundTrip())
  good.close()
  return roundTrips
}

/** Goes on until the attack is over, and for `minRoundTrips` at least. Rejects when a good event is refused or lost. */
export const underAttack = async (
  { url, engine, relay }: Siege,
  attack: string,
  minRoundTrips: number,
): Promise<Assault> => {
  const good = await openGoodClient(url, engine)
  const attacker = startChild(builtProgram('scripts/bad-client.js'), [url, attack])
  try {
    let outcome: Outcome | undefined
    let failed: Error | undefined
    // The promise can't be lost: both its ends are kept, and looked at below.
    void attacker.line(/^\{/).then(
      (line) => {
        outcome = JSON.parse(line) as Outcome
      },
      () => {
        failed = new Error(`the attacker failed: ${attacker.err.slice(-3).join(' ')}`)
      },
    )
    const roundTrips: RoundTrip[] = []
    while ((outcome === undefined && failed === undefined) || roundTrips.length < minRoundTrips) {
      roundTrips.push(await good.roundTrip())
    }
    if (outcome === undefined) throw failed ?? new Error('the attack has no outcome')
    return { outcome, roundTrips, rssMb: usageOf(relay.pid)?.rssMb }
  } finally {
    good.close()
    await attacker.stop('SIGKILL')
  }
}
