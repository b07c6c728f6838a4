import { afterEach, describe, expect, it } from 'vitest'
import { startRelay, type Relay, type RelayLimits } from '../../../relay/index.js'
import { openRates } from '../../../relay/session/rate.js'
import type { UnixMs, UnixSec } from '../../../src/core/types.js'
import type { Verifier } from '../../../src/ports.js'
import { connectClient, type RelayClient } from '../../support/relay-client.js'
import { paperAuthor } from '../../support/signed.js'

const NOW = 1_800_000_000
const [alice, bob] = [paperAuthor('alice'), paperAuthor('bob')]
let relay: Relay | undefined
const clients: RelayClient[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.socket.terminate()
  await relay?.close()
  relay = undefined
})

const publishers = async (
  limits: Partial<RelayLimits>,
  isForged: (sig: string) => boolean = () => false,
): Promise<[RelayClient, RelayClient]> => {
  const verifier: Verifier = {
    engine: 'none',
    verify: (proofs) => Promise.resolve(proofs.map(({ sig }) => !isForged(sig))),
  }
  const clock = { now: () => (NOW * 1000) as UnixMs }
  relay = await startRelay({ host: '127.0.0.1', port: 0, db: ':memory:', clock, verifier, limits })
  const pair: [RelayClient, RelayClient] = [await connectClient(relay.url), await connectClient(relay.url)]
  clients.push(...pair)
  return pair
}
const event = (i: number, by = alice): ReturnType<typeof alice.sign> => by.sign({ content: String(i) })

describe('a rate', () => {
  it('gives ten seconds’ worth at once, then so many a second', () => {
    let nowSec = NOW
    const rates = openRates(2, 10, () => nowSec as UnixSec)
    const taken = (): number => Array.from({ length: 50 }, () => rates.take('x')).filter(Boolean).length

    expect(taken()).toBe(20)
    nowSec += 3
    expect(taken()).toBe(6)
  })

  it('of a connection refuses one event more with OK, and leaves others alone', async () => {
    const [one, other] = await publishers({ maxEventsPerSec: 1 })
    for (let i = 0; i < 10; i++) expect((await one.publish(event(i))).accepted).toBe(true)

    expect((await one.publish(event(10))).reason).toMatch(/^rate-limited: too many events on this connection/)
    expect((await other.publish(event(10))).accepted).toBe(true)
  })

  it('of an author holds on all connections together, and is not used up by forgeries', async () => {
    const forged = 'f'.repeat(128)
    const [one, other] = await publishers({ maxEventsPerSecOfKey: 1 }, (sig) => sig === forged)
    for (let i = 0; i < 30; i++) await other.publish({ ...event(100 + i), sig: forged })
    for (let i = 0; i < 10; i++) expect((await one.publish(event(i))).accepted).toBe(true)

    expect((await other.publish(event(10))).reason).toMatch(/^rate-limited: too many events of this author/)
    expect((await other.publish(event(10, bob))).accepted).toBe(true)
    expect((await other.publish(event(3))).reason).toMatch(/^duplicate: /)
  })
})
