import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { lastTagged } from '../../../relay/store/tag-index.js'
import { openEventStore } from '../../../relay/store/store.js'
import type { EventStore } from '../../../relay/store/store.js'
import type { NostrEvent, UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { runChores } from '../../../relay/store/upkeep.js'
import { ask, asIncoming, ids, testFolder } from '../../support/relay-store.js'
import { paperAuthor } from '../../support/signed.js'

const NOW = 1_800_000_000 as UnixSec
const alice = paperAuthor('alice')
const newFolder = testFolder()

const tagged = (n: number, more: readonly string[][] = []): NostrEvent =>
  alice.sign({ content: String(n), created_at: (NOW - (n % 7)) as UnixSec, tags: [['t', 'topic'], ...more] })

const rows = (store: EventStore, table: 'tags' | 'fresh_tags'): number =>
  store.database.prepare<[], number>(`SELECT count(*) FROM ${table}`).pluck().get()!

/** As kill -9 leaves it: what was committed is there, what was in memory is not. */
const killed = (store: EventStore): void => void store.database.close()

const events = Array.from({ length: 20 }, (_, i) => tagged(i))
const inOrder = ids([...events].sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1)))

describe('the index of tags', () => {
  it('finds what is in memory and what is in the file, in one order', () => {
    const store = openEventStore(join(newFolder(), 'r.sqlite'), nodeHashes)
    store.write(events.slice(0, 11).map(asIncoming), NOW)
    runChores(store.chores)
    store.write(events.slice(11).map(asIncoming), NOW)

    expect([rows(store, 'tags'), rows(store, 'fresh_tags')]).toEqual([11, 9])
    expect(ids(ask(store, [{ '#t': ['topic'] }]))).toEqual(inOrder)
    expect(ids(ask(store, [{ '#t': ['topic'], limit: 5 }]))).toEqual(inOrder.slice(0, 5))
    store.close()
  })

  it('is whole again after a crash', () => {
    const file = join(newFolder(), 'r.sqlite')
    const before = openEventStore(file, nodeHashes)
    before.write(events.slice(0, 11).map(asIncoming), NOW)
    runChores(before.chores)
    before.write(events.slice(11).map(asIncoming), NOW)
    killed(before)

    const after = openEventStore(file, nodeHashes)

    expect(ids(ask(after, [{ '#t': ['topic'] }]))).toEqual(inOrder)
    expect([rows(after, 'tags'), rows(after, 'fresh_tags'), lastTagged(after.database)]).toEqual([20, 0, 20])
    after.close()
  })

  it('is whole also where the last event before the crash is gone, and its number would be free', () => {
    const file = join(newFolder(), 'r.sqlite')
    const before = openEventStore(file, nodeHashes)
    const [first, last, next] = [tagged(1), tagged(2), tagged(3)]
    before.write([first, last].map(asIncoming), NOW)
    runChores(before.chores)
    before.write([asIncoming(alice.sign({ kind: 5, created_at: NOW, tags: [['e', last.id]] }))], NOW)
    before.database.exec('DELETE FROM events WHERE kind = 5')
    killed(before)

    const between = openEventStore(file, nodeHashes)
    between.write([asIncoming(next)], NOW)
    killed(between)
    const after = openEventStore(file, nodeHashes)

    expect(ids(ask(after, [{ '#t': ['topic'] }])).sort()).toEqual(ids([first, next]).sort())
    after.close()
  })

  it('forgets what is deleted, in memory and in the file', () => {
    const store = openEventStore(join(newFolder(), 'r.sqlite'), nodeHashes)
    const [old, fresh] = [tagged(1), tagged(2)]
    store.write([asIncoming(old)], NOW)
    runChores(store.chores)
    store.write([asIncoming(fresh)], NOW)

    const deletion = alice.sign({ kind: 5, created_at: NOW, tags: [old, fresh].map(({ id }) => ['e', id]) })
    store.write([asIncoming(deletion)], NOW)

    expect(ask(store, [{ '#t': ['topic'] }])).toEqual([])
    // The deletion's own.
    expect(rows(store, 'tags') + rows(store, 'fresh_tags')).toBe(2)
    store.close()
  })

  it('takes back what a failed commit added, moved or removed', () => {
    const store = openEventStore(join(newFolder(), 'r.sqlite'), nodeHashes)
    store.write(events.map(asIncoming), NOW)
    const many = Array.from({ length: 90 }, (_, i) =>
      tagged(
        100 + i,
        Array.from({ length: 100 }, (_, n) => ['p', `${i} ${n}`]),
      ),
    )
    const poison = { ...asIncoming(tagged(1_000)), json: undefined as unknown as string }

    expect(() => store.write([...many.map(asIncoming), poison], NOW)).toThrow()

    expect([rows(store, 'tags'), rows(store, 'fresh_tags')]).toEqual([0, 20])
    expect(ids(ask(store, [{ '#t': ['topic'] }]))).toEqual(inOrder)
    store.write(many.map(asIncoming), NOW)
    expect([rows(store, 'tags'), rows(store, 'fresh_tags')]).toEqual([20 + 90 * 101, 0])
    store.close()
  })

  it('has nothing in memory after a stop in order', () => {
    const file = join(newFolder(), 'r.sqlite')
    const store = openEventStore(file, nodeHashes)
    store.write(events.map(asIncoming), NOW)
    store.close()

    const after = openEventStore(file, nodeHashes)

    expect([rows(after, 'tags'), lastTagged(after.database)]).toEqual([20, 20])
    after.close()
  })
})
