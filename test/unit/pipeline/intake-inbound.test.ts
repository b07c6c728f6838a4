import { describe, expect, it } from 'vitest'
import type { Decision } from '../../../src/core/decision.js'
import { Fault } from '../../../src/core/fault.js'
import { makeRoster, type RosterInput } from '../../../src/core/peers.js'
import type { EventId, HermId, KorName, Pubkey } from '../../../src/core/types.js'
import { openEngine } from '../../../src/crypto/engine.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { engineVerifier } from '../../../src/crypto/verify.js'
import { createInbound } from '../../../src/pipeline/intake-inbound.js'
import { createTally, type Tally } from '../../../src/pipeline/tally.js'
import type { Arrival, BraidReader, Clock, Store } from '../../../src/ports.js'
import { arrivalOf, nodeInfoOf, txxmOf } from '../../support/arrivals.js'
import { partyOf } from '../../support/transport-bench.js'
import { hex, open, START } from '../store/build.js'
import { keptLog, type KeptLog } from './build.js'

const engine = await openEngine()
const [me, peer, stranger] = [partyOf(engine, 'me'), partyOf(engine, 'alpha'), partyOf(engine, 'gamma')]

interface Bench {
  readonly store: Store & BraidReader
  readonly tally: Tally
  readonly log: KeptLog
  readonly decided: Decision[]
  readonly strangers: EventId[]
  readonly slept: number[]
  /** Moves the clock. */
  advance(ms: number): void
  intake(arrivals: readonly Arrival[]): Promise<void>
}

const bench = (
  o: { rate?: number; mode?: RosterInput['mode']; commit?: (store: Store) => Store['commit'] } = {},
): Bench => {
  let now: number = START
  const slept: number[] = []
  const clock: Clock = {
    now: () => now as never,
    sleep: (ms) => {
      slept.push(ms)
      now += ms
      return Promise.resolve()
    },
  }
  const store = open(undefined, clock)
  const tally = createTally()
  const log = keptLog()
  const decided: Decision[] = []
  const strangers: EventId[] = []
  const intake = createInbound({
    store: { commit: o.commit?.(store) ?? store.commit },
    verifier: engineVerifier(engine),
    hashes: nodeHashes,
    clock,
    log,
    tally,
    afterCommit: (d) => {
      decided.push(d)
      if (d.refusal !== undefined) tally.refused(d.refusal.code)
    },
    context: () => ({
      now: clock.now(),
      roster: makeRoster({
        me: me.key,
        myId: 'herm-me' as HermId,
        mode: o.mode ?? 'allowlist',
        rules: [{ key: peer.key, id: 'herm-alpha' as HermId }],
        grants: [],
        pins: store.pins(),
        infos: store.peers(),
      }),
      korNamespaces: ['room.kor' as KorName],
      agents: [],
      ports: ['kapnetd'],
      generation: 1,
      inFlight: () => undefined,
      retryAfterMs: 30_000,
    }),
    maxEnvelopeBytes: 16_384,
    peerRatePerSecond: o.rate ?? 2_000,
    ofStranger: (id) => strangers.push(id),
  })
  return { store, tally, log, decided, strangers, slept, intake, advance: (ms) => (now += ms) }
}
const many = async (count: number, to?: Pubkey): Promise<{ ids: string[]; arrivals: Arrival[] }> => {
  const sent = await Promise.all(
    Array.from({ length: count }, (_, n) => txxmOf(peer, n, { attested: false, ...(to === undefined ? {} : { to }) })),
  )
  return { ids: sent.map((s) => s.id), arrivals: sent.map((s) => s.arrival) }
}

describe('the intake', () => {
  it('takes what a trusted peer sends, owes it to the port and owes the peer a receipt', async () => {
    const b = bench()
    const { id, arrival } = await txxmOf(peer, 1, { to: me.key })
    await b.intake([arrival])

    expect(b.store.load(id)?.author).toBe(peer.key)
    expect(b.store.deliveriesOf(id)).toEqual([{ to: 'port:kapnetd', state: 'queued' }])
    expect(b.store.receiptsOwedTo()).toEqual([peer.key])
    expect(b.tally.read().counts).toMatchObject({ arrived: 1, taken: 1 })
  })

  it('takes it once, however it comes', async () => {
    const b = bench()
    const first = await txxmOf(peer, 1, { to: me.key })
    const again = await txxmOf(peer, 1, { to: me.key, at: 1_750_000_050 })
    await b.intake([first.arrival, first.arrival, again.arrival])
    await b.intake([again.arrival])

    expect(b.store.counts().strands).toBe(1)
    expect(b.tally.read().counts).toMatchObject({ taken: 1, known: 1, ignored: 2 })
  })

  it('refuses what its attestation does not prove, alone of its batch', async () => {
    const b = bench()
    const good = await txxmOf(peer, 1)
    const bad = await txxmOf(peer, 2)
    const text = bad.arrival.text!.replace(/"sig":"../, '"sig":"00')
    await b.intake([good.arrival, { ...bad.arrival, text }])

    expect(b.store.load(good.id)).toBeDefined()
    expect(b.store.load(bad.id)).toBeUndefined()
    expect(b.tally.read().refusals['bad-signature']).toBe(1)
    expect(b.store.view.mark(bad.arrival.event.id)?.code).toBe('bad-signature')
  })

  it('makes a peer in a hurry wait, and loses nothing of what it sends', async () => {
    // After an outage: what was sent in hours comes as fast as the relay can read it out.
    const b = bench({ rate: 20 })
    const { ids, arrivals } = await many(110)
    await b.intake(arrivals)

    expect(ids.filter((id) => b.store.load(id as never) === undefined)).toEqual([])
    expect(b.tally.read().refusals['rate-limited']).toBe(0)
    expect(b.slept.reduce((a, ms) => a + ms, 0)).toBeGreaterThanOrEqual(500)
  })

  it('lets nobody hold up the others for more than a second a batch', async () => {
    const b = bench({ rate: 1 })
    const { ids, arrivals } = await many(50)
    await b.intake(arrivals)

    const taken = ids.filter((id) => b.store.load(id as never) !== undefined)
    expect(taken).toHaveLength(6)
    expect(b.tally.read().refusals['rate-limited']).toBe(44)
    expect(b.slept.reduce((a, ms) => a + ms, 0)).toBeLessThanOrEqual(1_000)
    // Not remembered: the next try of each finds room.
    expect(arrivals.filter((a) => b.store.view.mark(a.event.id) !== undefined)).toHaveLength(6)
  })

  it('waits for nobody in an open house, where each has a tenth', async () => {
    const b = bench({ rate: 20, mode: 'open' })
    const sent = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        txxmOf(stranger, n, { attested: false, body: { source_kor: 'herm-gamma.room.kor' } }),
      ),
    )
    await b.intake(sent.map((s) => s.arrival))
    expect(b.store.counts().strands).toBe(10)
    expect(b.slept).toEqual([])
  })

  it('keeps a stranger’s node-info and no mark of it', async () => {
    const b = bench()
    const info = await nodeInfoOf(stranger, 'herm-gamma')
    const junk = arrivalOf({ ...info.event, id: hex<EventId>('junk'), content: 'junk' })
    await b.intake([info, junk])

    expect(b.store.peers().map((p) => p.key)).toEqual([stranger.key])
    expect(b.store.view.mark(info.event.id)).toBeUndefined()
    expect(b.store.view.mark(junk.event.id)).toBeUndefined()
    expect(b.strangers.sort()).toEqual([info.event.id, junk.event.id].sort())
  })

  it('looks again at a stranger whose clock is ahead', async () => {
    const b = bench()
    const ahead = await nodeInfoOf(stranger, 'herm-gamma', START / 1000 + 600)
    await b.intake([ahead])
    expect(b.store.peers()).toEqual([])
    expect(b.strangers).toEqual([])

    b.advance(600_000)
    await b.intake([ahead])
    expect(b.store.peers()).toHaveLength(1)
  })

  it('answers and counts once what is refused for now', async () => {
    const b = bench()
    const early = await txxmOf(peer, 1, { to: me.key, body: { valid_from: START / 1000 + 7_200 } as never })
    for (let i = 0; i < 3; i++) await b.intake([early.arrival])
    expect(b.tally.read().refusals['not-yet-valid']).toBe(1)
    expect(b.store.counts().receiptsOwed).toBe(1)
  })

  it('rejects with the store’s Fault, having followed up what was written', async () => {
    let left = 1
    const b = bench({
      commit: (store) => (decide) =>
        left-- > 0 ? store.commit(decide) : Promise.reject(new Fault('store', 'disk full')),
    })
    const { arrivals } = await many(2)
    await expect(b.intake(arrivals)).rejects.toThrow('disk full')
    expect(b.decided).toHaveLength(1)

    left = 2
    await b.intake(arrivals)
    expect(b.store.counts().strands).toBe(2)
  })

  it('tells of a refusal by ids and reasons alone', async () => {
    const b = bench()
    const { arrival } = await txxmOf(peer, 1, { to: stranger.key, body: { payload: { secret: 'hush' } } })
    await b.intake([arrival])
    expect(b.log.lines).toMatchObject([
      { event: 'inbound.refused', fields: { code: 'not-addressed', carrier: peer.key } },
    ])
    expect(JSON.stringify(b.log.lines)).not.toContain('hush')
  })
})
