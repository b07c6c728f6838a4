import { describe, expect, it } from 'vitest'
import { openIngest } from '../../../relay/ingest/ingest.js'
import type { Ingest, IngestParts } from '../../../relay/ingest/ingest.js'
import { silentLog } from '../../../relay/log.js'
import { openEventStore } from '../../../relay/store/store.js'
import type { EventStore } from '../../../relay/store/store.js'
import { openSubscriptions } from '../../../relay/live/subscriptions.js'
import type { Pubkey, UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import type { Verifier } from '../../../src/ports.js'
import { paperAuthor } from '../../support/signed.js'

const NOW = 1_800_000_000 as UnixSec
const viewer = { keys: new Set<Pubkey>() }
const alice = paperAuthor('alice')
const trusting: Verifier = { engine: 'none', verify: (proofs) => Promise.resolve(proofs.map(() => true)) }

const open = (over: Partial<IngestParts> = {}): { ingest: Ingest; store: EventStore } => {
  const store = over.store ?? openEventStore(':memory:', nodeHashes)
  const ingest = openIngest({
    policy: { write: [], read: [] },
    verifier: trusting,
    store,
    subscriptions: openSubscriptions(),
    limits: { maxQueuedEvents: 1_000, maxQueuedBytes: 1_000_000 },
    now: () => NOW,
    log: silentLog,
    ...over,
  })
  return { ingest, store }
}

/** Verifies when it is told to. */
const heldVerifier = (): Verifier & { release: () => void } => {
  let release: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  return { engine: 'held', verify: (proofs) => held.then(() => proofs.map(() => true)), release: () => release() }
}

describe('the road of an event', () => {
  it('writes what comes together in one transaction of at most 500', async () => {
    const store = openEventStore(':memory:', nodeHashes)
    const commits: number[] = []
    const counting: EventStore = {
      ...store,
      commit: (items, now) => {
        commits.push(items.length)
        return store.commit(items, now)
      },
    }
    const verifier = heldVerifier()
    const { ingest } = open({ store: counting, verifier })

    const answers = Array.from({ length: 130 }, (_, i) => ingest.submit(alice.sign({ content: String(i) }), 1, viewer))
    verifier.release()

    expect((await Promise.all(answers)).every(({ accepted }) => accepted)).toBe(true)
    expect(commits.reduce((a, b) => a + b)).toBe(130)
    expect(commits.length).toBeLessThanOrEqual(3)
    expect(Math.max(...commits)).toBeLessThanOrEqual(500)
  })

  it('answers error: when the disk fails, says so once in the log, and goes on', async () => {
    const store = openEventStore(':memory:', nodeHashes)
    let broken = true
    const logged: string[] = []
    const failing: EventStore = {
      ...store,
      commit: (items, now) =>
        broken ? Promise.reject(new Error('database or disk is full')) : store.commit(items, now),
    }
    const log = { ...silentLog, error: (event: string) => void logged.push(event) }
    const { ingest } = open({ store: failing, log })
    const events = ['1', '2', '3'].map((content) => alice.sign({ content }))

    const failed = await Promise.all(events.map((event) => ingest.submit(event, 1, viewer)))
    broken = false
    const after = await ingest.submit(events[0]!, 1, viewer)

    const error = { accepted: false, reason: 'error: the event could not be stored; try again' }
    expect(failed).toEqual([error, error, error])
    expect(logged).toEqual(['ingest-failed'])
    expect(after.accepted).toBe(true)
  })

  it('answers rate-limited: beyond the events and the bytes that may wait, and not for ever', async () => {
    const verifier = heldVerifier()
    const { ingest } = open({ verifier, limits: { maxQueuedEvents: 3, maxQueuedBytes: 100 } })
    const submit = (content: string, bytes: number): ReturnType<Ingest['submit']> =>
      ingest.submit(alice.sign({ content }), bytes, viewer)

    const waiting = [submit('1', 10), submit('2', 80)]
    const heavy = await submit('3', 20)
    waiting.push(submit('4', 10))
    const fourth = await submit('5', 0)
    verifier.release()
    await Promise.all(waiting)

    const busy = { accepted: false, reason: 'rate-limited: the relay is busy; try again' }
    expect([heavy, fourth]).toEqual([busy, busy])
    expect((await submit('3', 20)).accepted).toBe(true)
  })

  it('is idle when every event has its verdict', async () => {
    const verifier = heldVerifier()
    const { ingest } = open({ verifier })
    const order: string[] = []

    const answer = ingest.submit(alice.sign(), 1, viewer).then(() => order.push('verdict'))
    const idle = ingest.idle().then(() => order.push('idle'))
    verifier.release()
    await Promise.all([answer, idle])

    expect(order).toEqual(['verdict', 'idle'])
    await ingest.idle()
  })

  it('sends one of two copies on, stored or ephemeral, when both come at once', async () => {
    const subscriptions = openSubscriptions()
    const heard: number[] = []
    subscriptions.add({ filters: [{}], deliver: ({ event }) => heard.push(event.kind) > 0 })
    const { ingest } = open({ subscriptions })
    const [stored, ephemeral] = [alice.sign(), alice.sign({ kind: 20_000 })]

    const answers = await Promise.all([stored, stored, ephemeral, ephemeral].map((e) => ingest.submit(e, 1, viewer)))

    expect(answers.map(({ accepted }) => accepted)).toEqual([true, true, true, true])
    expect(heard.sort()).toEqual([1, 20_000])
  })

  it('remembers only so many ephemeral ids, the newest', async () => {
    const subscriptions = openSubscriptions()
    let heard = 0
    subscriptions.add({ filters: [{}], deliver: () => ++heard > 0 })
    const { ingest } = open({ subscriptions, limits: { maxQueuedEvents: 20_000, maxQueuedBytes: 1_000_000 } })
    const events = Array.from({ length: 10_001 }, (_, i) => alice.sign({ kind: 20_000, content: String(i) }))
    await Promise.all(events.map((event) => ingest.submit(event, 1, viewer)))

    await ingest.submit(events[0]!, 1, viewer)
    await ingest.submit(events[10_000]!, 1, viewer)

    expect(heard).toBe(10_002)
  })
})
