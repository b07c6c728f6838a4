import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openIngest } from '../../../relay/ingest/ingest.js'
import type { Ingest } from '../../../relay/ingest/ingest.js'
import { openSubscriptions } from '../../../relay/live/subscriptions.js'
import { silentLog } from '../../../relay/log.js'
import type { Verdict } from '../../../relay/session/answers.js'
import { openDurable } from '../../../relay/store/durable.js'
import type { Flush } from '../../../relay/store/durable.js'
import { openHealth } from '../../../relay/store/health.js'
import { openEventStore } from '../../../relay/store/store.js'
import type { EventStore } from '../../../relay/store/store.js'
import type { NostrEvent, Pubkey, UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { asIncoming, testFolder } from '../../support/relay-store.js'
import { paperAuthor } from '../../support/signed.js'

const NOW = 1_800_000_000 as UnixSec
const alice = paperAuthor('alice')
const newFolder = testFolder()

/** Flushes end as the test says. */
const heldFlush = (): { flush: Flush; begun: number; end: (error?: Error) => void } => {
  const waiting: { resolve: () => void; reject: (error: Error) => void }[] = []
  const held = {
    begun: 0,
    flush: (): Promise<void> => {
      held.begun++
      return new Promise<void>((resolve, reject) => void waiting.push({ resolve, reject }))
    },
    end: (error?: Error): void => {
      for (const { resolve, reject } of waiting.splice(0))
        if (error === undefined) resolve()
        else reject(error)
    },
  }
  return held
}

const newStore = (flush: Flush): EventStore => openEventStore(join(newFolder(), 'r.sqlite'), nodeHashes, { flush })

const ingestOf = (store: EventStore, subscriptions = openSubscriptions()): Ingest =>
  openIngest({
    policy: { write: [], read: [] },
    verifier: { engine: 'none', verify: (proofs) => Promise.resolve(proofs.map(() => true)) },
    store,
    subscriptions,
    limits: { maxQueuedEvents: 1_000, maxQueuedBytes: 1_000_000 },
    now: () => NOW,
    log: silentLog,
  })

/** Whether it has come after some turns of the event loop. */
const hasCome = async (verdict: Promise<unknown>): Promise<boolean> => {
  let come = false
  void verdict.finally(() => {
    come = true
  })
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  return come
}

const submit = (ingest: Ingest, event: NostrEvent): Promise<Verdict> =>
  ingest.submit(event, 1, { keys: new Set<Pubkey>() })

describe('a commit', () => {
  it('is answered only when the log of commits is on the disk', async () => {
    const held = heldFlush()
    const store = newStore(held.flush)
    const verdict = submit(ingestOf(store), alice.sign())

    expect(await hasCome(verdict)).toBe(false)
    expect(store.count()).toBe(1)
    expect(held.begun).toBe(1)
    held.end()

    expect(await verdict).toEqual({ accepted: true, reason: '' })
    store.close()
  })

  it('lets nobody be told of a duplicate before the first one is on the disk', async () => {
    const held = heldFlush()
    const store = newStore(held.flush)
    const ingest = ingestOf(store)
    const first = submit(ingest, alice.sign())
    expect(await hasCome(first)).toBe(false)

    const again = submit(ingest, alice.sign())

    expect(await hasCome(again)).toBe(false)
    held.end()
    expect([(await first).accepted, (await again).reason]).toEqual([true, expect.stringMatching(/^duplicate:/)])
    store.close()
  })

  it('is heard by nobody where its author is banned, or it itself, while the disk is at work', async () => {
    const held = heldFlush()
    const store = newStore(held.flush)
    const heard: string[] = []
    const subscriptions = openSubscriptions()
    subscriptions.add({ filters: [{}], deliver: ({ event }) => heard.push(event.content) > 0 })
    const ingest = ingestOf(store, subscriptions)
    const bob = paperAuthor('bob')
    const banned = bob.sign({ content: 'banned itself' })
    const events = [alice.sign({ content: 'of one who is banned' }), banned, bob.sign({ content: 'fine' })]
    const verdicts = Promise.all(events.map((event) => submit(ingest, event)))
    expect(await hasCome(verdicts)).toBe(false)

    store.banKey(alice.pubkey, '')
    store.banEvent(banned.id, '')
    held.end()

    expect((await verdicts).map(({ accepted }) => accepted)).toEqual([true, true, true])
    expect(heard).toEqual(['fine'])
    store.close()
  })

  it('gathers the next one while the disk is at work', async () => {
    const held = heldFlush()
    const store = newStore(held.flush)
    const ingest = ingestOf(store)
    const first = submit(ingest, alice.sign({ content: 'first' }))
    expect(await hasCome(first)).toBe(false)

    const next = Array.from({ length: 20 }, (_, i) => submit(ingest, alice.sign({ content: `next ${i}` })))
    expect(await hasCome(Promise.race(next))).toBe(false)
    held.end()
    expect(await hasCome(first)).toBe(true)
    held.end()

    expect((await Promise.all(next)).every(({ accepted }) => accepted)).toBe(true)
    expect(held.begun).toBe(2)
    store.close()
  })

  it('is put into the file itself where its log can not be flushed', async () => {
    const folder = newFolder()
    const file = join(folder, 'r.sqlite')
    const store = openEventStore(file, nodeHashes, { flush: () => Promise.reject(new Error('EIO')) })

    const outcomes = await store.commit([asIncoming(alice.sign())], NOW)

    expect(outcomes).toEqual([{ state: 'stored', seq: 1 }])
    expect(store.database.pragma('wal_checkpoint(PASSIVE)')).toEqual([{ busy: 0, log: 0, checkpointed: 0 }])
    store.close()
  })

  it('is in doubt where neither can be done, and so is everything until one can', async () => {
    const file = join(newFolder(), 'r.sqlite')
    const store = openEventStore(file, nodeHashes)
    const { guard } = openHealth(silentLog)
    let isBroken = true
    let repairs = 0
    const durable = openDurable(file, {
      flush: () => Promise.reject(new Error('EIO')),
      repair: () => {
        repairs++
        if (isBroken) throw Object.assign(new Error('the disk takes nothing'), { code: 'SQLITE_IOERR' })
      },
    })
    const commit = (n: number): unknown =>
      durable.without(store.database, () => store.write([asIncoming(alice.sign({ content: String(n) }))], NOW))

    commit(1)

    await expect(durable.settled(guard)).rejects.toThrow('nothing can be stored')
    await expect(durable.settled(guard)).rejects.toThrow('nothing can be stored')
    expect(() => commit(2)).toThrow('the disk takes nothing')
    expect(store.count()).toBe(1)
    isBroken = false
    await durable.settled(guard)
    expect(repairs).toBe(4)
    durable.close()
    store.close()
  })

  it('leaves the file as strict as it was', async () => {
    const store = newStore(() => Promise.resolve())

    await store.commit([asIncoming(alice.sign())], NOW)

    expect(store.database.pragma('synchronous', { simple: true })).toBe(2)
    store.close()
  })
})
