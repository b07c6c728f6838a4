import { describe, expect, it } from 'vitest'
import type { DeliveryState, Destination, MessageId, NostrEvent, RelayUrl, Road } from '../../../src/core/types.js'
import { tagValue } from '../../../src/core/event.js'
import { openEngine } from '../../../src/crypto/engine.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { createSendPeer, type InFlight, type SendPeerOptions } from '../../../src/pipeline/send-peer.js'
import { createTally, type Tally } from '../../../src/pipeline/tally.js'
import type { BraidReader, Delivery, RelayAnswer, Store } from '../../../src/ports.js'
import { manualClock, type ManualClock } from '../../support/manual-clock.js'
import { partyOf } from '../../support/transport-bench.js'
import { open, START } from '../store/build.js'
import { fixedRandom, owing, settle } from './build.js'

const engine = await openEngine()
const [me, peer] = [partyOf(engine, 'alpha'), partyOf(engine, 'beta')]
const RELAY = 'ws://127.0.0.1:1' as RelayUrl
const DAY_MS = 24 * 60 * 60 * 1000

interface Bench {
  readonly store: Store & BraidReader
  readonly clock: ManualClock
  readonly published: NostrEvent[]
  readonly inFlight: InFlight
  readonly tally: Tally
  readonly stop: AbortController
  readonly hardStop: AbortController
  /** One attempt at the delivery as the store has it now. */
  attempt(id: MessageId, to?: Destination): Promise<void>
  state(id: MessageId, to?: Destination): { state: DeliveryState; code?: string } | undefined
  openRoads(...roads: Road[]): void
}

const bench = (
  over: Partial<Omit<SendPeerOptions, 'transport'>> & {
    readonly answers?: (event: NostrEvent) => Promise<RelayAnswer[]>
    readonly roads?: readonly Road[]
  } = {},
): Bench => {
  const clock = manualClock()
  const store = open(undefined, clock)
  const published: NostrEvent[] = []
  const inFlight: InFlight = new Map()
  const tally = createTally()
  const [stop, hardStop] = [new AbortController(), new AbortController()]
  let openNow: readonly Road[] = ['nip44', 'public']
  let wakers: (() => void)[] = []
  const send = createSendPeer({
    store,
    signer: me,
    hashes: nodeHashes,
    tagSecret: new Uint8Array(32),
    clock,
    random: fixedRandom(),
    tally,
    afterCommit: () => undefined,
    inFlight,
    patience: { receiptTimeoutMs: 30_000, backoff: { minMs: 1_000, maxMs: 900_000 }, quickTries: 5 },
    isTrusted: () => true,
    isAsleep: () => false,
    hardStop: hardStop.signal,
    ...over,
    transport: {
      relaysFor: (road) => ((over.roads ?? ['nip44', 'public']).includes(road) ? [RELAY] : []),
      whenOpen: async (road, signal) => {
        while (!openNow.includes(road) && !signal.aborted) {
          await new Promise<void>((resolve) => {
            wakers.push(resolve)
            signal.addEventListener('abort', () => resolve(), { once: true })
          })
        }
      },
      publish: (event) => {
        published.push(event)
        return over.answers?.(event) ?? Promise.resolve([{ relay: RELAY, ok: true, message: '' }])
      },
    },
  })
  const due = (id: MessageId, to: Destination): Delivery => {
    const found = store.due(to, (START + 1_000 * DAY_MS) as never, 1_000).find((d) => d.message === id)
    if (found === undefined) throw new Error('it is not owed any more')
    return found
  }
  return {
    store,
    clock,
    published,
    inFlight,
    tally,
    stop,
    hardStop,
    attempt: (id, to = peer.key) => send(due(id, to), stop.signal),
    state: (id, to = peer.key) => store.deliveriesOf(id).find((d) => d.to === to),
    openRoads: (...roads) => {
      openNow = roads
      for (const wake of wakers.splice(0)) wake()
      wakers = []
    },
  }
}
const one = async (b: Bench, parts: Parameters<typeof owing>[3] = {}, to: Destination = peer.key): Promise<MessageId> =>
  (await owing(b.store, to, 1, parts))[0]!
const dueIn = (b: Bench, to: Destination = peer.key): number | undefined => {
  const next = b.store.nextDue(to)
  return next === undefined ? undefined : next - b.clock.now()
}

describe('an attempt to bring a message to a peer', () => {
  it('seals it, and calls it relay-ok when a relay has said so, never delivered', async () => {
    const b = bench()
    const id = await one(b)

    await b.attempt(id)

    expect(b.state(id)).toEqual({ to: peer.key, state: 'relay-ok' })
    const [event] = b.published
    expect(tagValue(event!, 'd')).toMatch(/^enc-/)
    expect(await peer.nip44Decrypt(me.key, event!.content)).toContain(id)
    expect(b.store.view.sent(event!.id)).toEqual({ message: id, to: peer.key })
    expect(b.inFlight.size).toBe(0)
    expect(b.tally.read().counts.sent).toBe(1)
  })

  it('keeps the same name on the relay for every try, so that a try replaces the one before', async () => {
    const b = bench()
    const id = await one(b)
    await b.attempt(id)
    b.clock.advance(60_000)
    await b.attempt(id)

    const [first, second] = b.published
    expect(first!.id).not.toBe(second!.id)
    expect(tagValue(first!, 'd')).toBe(tagValue(second!, 'd'))
    expect(b.store.view.sent(first!.id)).toEqual(b.store.view.sent(second!.id))
  })

  it('lets what was asked for in the clear travel in the clear', async () => {
    const b = bench()
    const id = await one(b, { confidential: false })
    await b.attempt(id)
    expect(b.published[0]!.content).toContain(id)
    expect(tagValue(b.published[0]!, 'p')).toBe(peer.key)
  })

  it('ends with gossip at a relay’s word', async () => {
    const b = bench()
    const id = await one(b, { confidential: false }, 'gossip')
    await b.attempt(id, 'gossip')
    expect(b.state(id, 'gossip')).toMatchObject({ state: 'relay-ok' })
    expect(b.store.nextDue('gossip')).toBeUndefined()
  })

  it('asks again soon where an answer is to be expected, and calmly where the peer sleeps', async () => {
    const awake = bench()
    await awake.attempt(await one(awake))
    expect(dueIn(awake)).toBeLessThan(32_000)

    const asleep = bench({ isAsleep: () => true })
    const id = await one(asleep)
    await asleep.attempt(id)
    expect(asleep.state(id)?.state).toBe('relay-ok')
    expect(dueIn(asleep)).toBeGreaterThan(7 * 60_000)
  })

  it('makes less than a hundred events and steps in a week of silence', async () => {
    const b = bench({ isAsleep: () => true })
    const id = await one(b, { expiresAt: START + 7 * DAY_MS })
    for (let i = 0; i < 200 && b.store.nextDue(peer.key) !== undefined; i++) {
      b.clock.advance(Math.max(0, dueIn(b) ?? 0))
      await b.attempt(id)
    }
    expect(b.state(id)).toMatchObject({ state: 'dead', code: 'max-age' })
    expect(b.published.length).toBeLessThan(100)
    expect(b.store.show(id)?.deliveries[0]?.transitions.length).toBeLessThan(102)
  })

  it('does not hurry after a peer that has it and only waits for its own daemon', async () => {
    const b = bench()
    const id = await one(b)
    await b.store.commit(() => ({
      moves: [{ message: id, to: peer.key, state: 'peer-stored', at: b.clock.now(), retryAt: b.clock.now() }],
    }))
    await b.attempt(id)
    expect(b.state(id)?.state).toBe('peer-stored')
    expect(dueIn(b)).toBeGreaterThan(7 * 60_000)
  })

  it('writes down what a relay said when it said no, and counts a receipt for it all the same', async () => {
    const b = bench({ answers: () => Promise.resolve([{ relay: RELAY, ok: false, message: 'blocked: no' }]) })
    const id = await one(b)
    await b.attempt(id)
    expect(b.state(id)).toMatchObject({ state: 'retrying', code: 'refused' })
    expect(b.store.view.sent(b.published[0]!.id)).toEqual({ message: id, to: peer.key })
    expect(dueIn(b)).toBeLessThanOrEqual(1_000)
  })

  it('knows its event while it is on the way, for the receipt that is quicker than our own commit', async () => {
    const b = bench({
      answers: (event) => {
        expect(b.inFlight.get(event.id)).toEqual({ message: id, to: peer.key })
        return Promise.resolve([{ relay: RELAY, ok: true, message: '' }])
      },
    })
    const id = await one(b)
    await b.attempt(id)
    expect(b.published).toHaveLength(1)
  })

  it('does not undo a receipt that came while it waited for the relay’s word', async () => {
    const b = bench({
      answers: async () => {
        await b.store.commit(() => ({ moves: [{ message: id, to: peer.key, state: 'done', at: b.clock.now() }] }))
        return [{ relay: RELAY, ok: true, message: '' }]
      },
    })
    const id = await one(b)
    await b.attempt(id)
    expect(b.state(id)?.state).toBe('done')
  })

  it('waits for a relay without counting it as a try', async () => {
    const b = bench()
    b.openRoads()
    const id = await one(b)
    const attempt = b.attempt(id)
    await settle()
    expect(b.published).toEqual([])
    expect(b.state(id)?.state).toBe('queued')

    b.openRoads('nip44')
    await attempt
    expect(b.state(id)?.state).toBe('relay-ok')
    expect(b.clock.asleep()).toEqual([])
  })

  it('is over with its time, also where no relay comes', async () => {
    const b = bench()
    b.openRoads()
    const id = await one(b, { expiresAt: START + 3 * DAY_MS })
    const attempt = b.attempt(id)
    await settle()

    b.clock.advance(3 * DAY_MS)
    await attempt
    await b.attempt(id)

    expect(b.state(id)).toMatchObject({ state: 'dead', code: 'max-age' })
    expect(b.published).toEqual([])
    expect(b.clock.asleep()).toEqual([])
  })

  it('does not send again what was answered while it waited for a relay', async () => {
    const b = bench()
    b.openRoads()
    const id = await one(b)
    const attempt = b.attempt(id)
    await settle()
    b.clock.advance(10_000)
    await b.store.commit(() => ({ moves: [{ message: id, to: peer.key, state: 'done', at: b.clock.now() }] }))
    b.openRoads('nip44')
    await attempt
    expect(b.published).toEqual([])
  })

  it('leaves nothing behind when it is stopped while it waits', async () => {
    const b = bench()
    b.openRoads()
    const id = await one(b)
    const attempt = b.attempt(id)
    await settle()
    b.stop.abort()
    await attempt
    expect(b.published).toEqual([])
    expect(b.state(id)?.state).toBe('queued')
    expect(b.clock.asleep()).toEqual([])
  })

  it('writes nothing of what was cut off: it is still owed', async () => {
    const b = bench({
      answers: () => {
        b.hardStop.abort()
        return Promise.resolve([{ relay: RELAY, ok: false, message: 'stopped' }])
      },
    })
    const id = await one(b)
    await b.attempt(id)
    expect(b.state(id)).toEqual({ to: peer.key, state: 'queued' })
    expect(b.store.nextDue(peer.key)).toBe(START)
  })

  it('sends nothing to a peer that is trusted no more, and says so', async () => {
    const b = bench({ isTrusted: () => false })
    const id = await one(b)
    await b.attempt(id)
    expect(b.published).toEqual([])
    expect(b.state(id)).toMatchObject({ state: 'undeliverable', code: 'untrusted-sender' })
    expect(dueIn(b)).toBeGreaterThan(7 * 60_000)
  })

  it('does not wait without end for a road that no relay has', async () => {
    const b = bench({ roads: ['nip44'] })
    b.openRoads('nip44')
    const id = await one(b, { confidential: false })
    await b.attempt(id)
    expect(b.state(id)).toMatchObject({ state: 'undeliverable', code: 'no-relay' })
    expect(dueIn(b)).toBeGreaterThan(7 * 60_000)
  })

  it('stops asking about what the peer holds when its time is over, and does not call it dead', async () => {
    const b = bench()
    const id = await one(b, { expiresAt: START + DAY_MS })
    await b.store.commit(() => ({
      moves: [{ message: id, to: peer.key, state: 'peer-stored', at: b.clock.now(), retryAt: b.clock.now() }],
    }))
    b.clock.advance(2 * DAY_MS)
    await b.attempt(id)
    expect(b.state(id)).toMatchObject({ state: 'peer-stored' })
    expect(b.store.nextDue(peer.key)).toBeUndefined()
  })

  it('holds no body in memory while it waits for a relay', async () => {
    let loads = 0
    const store = open()
    const b = bench({
      store: {
        ...store,
        load: (id) => {
          loads++
          return store.load(id)
        },
      },
    })
    b.openRoads()
    const id = (await owing(store, peer.key, 1))[0]!
    await owing(b.store, peer.key, 1)
    const attempt = b.attempt(id)
    await settle()
    expect(loads).toBe(0)
    b.openRoads('nip44')
    await attempt
    expect(loads).toBe(1)
  })
})
