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

describe('a rate of questions', () => {
  const once = { maxReqsPerSec: 1, maxCountsPerSec: 1, maxSyncsPerSec: 1, maxAuthsPerSec: 1 }
  const times = (send: () => void, count = 11): void => {
    for (let i = 0; i < count; i++) send()
  }

  it('is answered with CLOSED, and ends the subscription that the REQ would have replaced', async () => {
    const [one, other] = await publishers(once)
    times(() => one.send('REQ', 'sub', { kinds: [1] }))

    expect((await one.take('CLOSED', 'sub'))[2]).toMatch(/^rate-limited: too often on this connection/)
    await other.publish(event(1))
    one.send('COUNT', 'after', {})
    await one.take('COUNT', 'after')
    expect(one.heard.filter(([verb]) => verb === 'EVENT' || verb === 'NOTICE')).toEqual([])
    other.send('REQ', 'sub', {})
    await other.take('EOSE', 'sub')
  })

  it('of COUNT gets CLOSED, of NEG-OPEN gets NEG-ERR, of AUTH gets OK', async () => {
    const [one] = await publishers(once)
    times(() => one.send('COUNT', 'count', {}))
    times(() => one.send('NEG-OPEN', 'sync', {}, '6100000200'))
    const proof = alice.sign({ kind: 22_242 })
    times(() => one.send('AUTH', proof))

    expect((await one.take('CLOSED', 'count'))[2]).toMatch(/^rate-limited: /)
    expect((await one.take('NEG-ERR', 'sync'))[2]).toMatch(/^rate-limited: /)
    const reasons: string[] = []
    while (reasons.length < 11) reasons.push(String((await one.take('OK'))[3]).split(':')[0]!)
    expect(reasons.sort()).toEqual([...Array<string>(10).fill('invalid'), 'rate-limited'])
  })

  it('of a key holds on all its connections together', async () => {
    const [one, other] = await publishers({ maxAsksPerSecOfKey: 1 })
    const nowSec = NOW
    await Promise.all(
      [one, other].map(async (client) => {
        const tags = [
          ['relay', relay!.url],
          ['challenge', await client.challenge],
        ]
        await client.publish(alice.sign({ kind: 1, content: 'before' }))
        client.send('AUTH', alice.sign({ kind: 22_242, created_at: nowSec as UnixSec, tags }))
        expect((await client.take('OK'))[2]).toBe(true)
      }),
    )
    times(() => one.send('COUNT', 'count', {}), 10)
    for (let i = 0; i < 10; i++) await one.take('COUNT', 'count')

    other.send('REQ', 'sub', {})

    expect((await other.take('CLOSED', 'sub'))[2]).toMatch(/^rate-limited: too often by this key/)
  })

  it('lets filters hold so much memory, and has room again when they are closed', async () => {
    const [one, other] = await publishers({ maxAskBytes: 2_000, maxAskBytesInAll: 3_000 })
    const filter = { kinds: [1, 2, 3, 4, 5] }
    one.send('REQ', 'a', filter)
    await one.take('EOSE', 'a')
    one.send('REQ', 'b', filter)

    expect((await one.take('CLOSED', 'b'))[2]).toMatch(/^rate-limited: the filters that are open hold too much/)
    other.send('REQ', 'a', filter)
    await other.take('EOSE', 'a')
    one.send('CLOSE', 'a')
    one.send('REQ', 'b', filter)
    await one.take('EOSE', 'b')
  })
})
