import { describe, expect, it } from 'vitest'
import { openEventStore } from '../../../relay/store/store.js'
import type { EventStore, StoreOptions } from '../../../relay/store/store.js'
import { MAX_LIST_ENTRIES } from '../../../relay/store/moderation.js'
import { runChores } from '../../../relay/store/upkeep.js'
import type { Filter } from '../../../src/core/match.js'
import type { NostrEvent, UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { ask, asIncoming, ids, testFolder } from '../../support/relay-store.js'
import { paperAuthor } from '../../support/signed.js'

/** NIP-86: what a ban does to what is stored. */

const NOW = 1_800_000_000 as UnixSec
const [alice, bob] = [paperAuthor('alice'), paperAuthor('bob')]
const folder = testFolder()

const open = (file = ':memory:', options: StoreOptions = {}): EventStore =>
  openEventStore(file, nodeHashes, { now: () => NOW, ...options })
const put = (store: EventStore, ...events: NostrEvent[]): string[] =>
  store.write(events.map(asIncoming), NOW).map(({ state }) => state)
const note = (i: number, by = alice): NostrEvent => by.sign({ created_at: (NOW - i) as UnixSec, content: `${i}` })
const entries = (store: EventStore, filter: Filter): number => {
  const source = store.scanEntries([filter], { upToSeq: store.lastSeq(), maxLimit: Infinity, now: () => NOW })
  let found = 0
  for (let step = source.next(); step.done !== true; step = source.next()) if (step.value !== undefined) found++
  return found
}

describe('a banned key', () => {
  it('is hidden at once, from stored events and from the index alike, and others are not', () => {
    const store = open()
    const [gone, stays] = [note(1), note(2, bob)]
    put(store, gone, stays)

    store.banKey(alice.pubkey, '')

    expect(ids(ask(store, [{}], { now: NOW }))).toEqual([stays.id])
    expect(entries(store, {})).toBe(1)
    expect(entries(store, { authors: [alice.pubkey] })).toBe(0)
    expect(store.has(gone.id)).toBe(false)
    expect(store.isServed(1)).toBe(false)
    expect(store.count()).toBe(2)
  })

  it('is taken off the disk by upkeep, and counted, however much it wrote', () => {
    const removed: [string, number][] = []
    const store = open(':memory:', { onRemoved: (reason, events) => removed.push([reason, events]) })
    put(store, ...Array.from({ length: 1_300 }, (_, i) => note(i)), note(1, bob))

    store.banKey(alice.pubkey, '')
    const gone = runChores(store.chores)

    expect(gone).toBe(1_300)
    expect(store.count()).toBe(1)
    expect(new Set(removed.map(([reason]) => reason))).toEqual(new Set(['banned']))
    expect(entries(store, {})).toBe(1)
  })

  it('can store nothing, also what was on its way, until the ban ends; and then it is not what it was', () => {
    const store = open()
    const [old, late] = [note(2), note(1)]
    put(store, old)

    store.banKey(alice.pubkey, 'spam')
    const during = put(store, late, note(3, bob))
    runChores(store.chores)
    store.moderation.drop('banned-key', alice.pubkey)
    const after = put(store, late)

    expect(during).toEqual(['banned', 'stored'])
    expect(after).toEqual(['stored'])
    expect(store.has(old.id)).toBe(false)
    expect(ids(ask(store, [{ authors: [alice.pubkey] }], { now: NOW }))).toEqual([late.id])
  })

  it('stays banned, and hidden, when the relay ends before all of it was removed', () => {
    const file = `${folder()}/relay.sqlite`
    const first = open(file)
    put(first, note(1), note(2, bob))
    first.banKey(alice.pubkey, 'spam')
    first.close()

    const second = open(file)
    const shown = entries(second, {})
    const answers = put(second, note(3))
    runChores(second.chores)
    const left = second.count()
    second.close()

    expect(shown).toBe(1)
    expect(answers).toEqual(['banned'])
    expect(left).toBe(1)
  })
})

describe('a banned event', () => {
  it('is gone at once and does not come back, until it is allowed again', () => {
    const removed: [string, number][] = []
    const store = open(':memory:', { onRemoved: (reason, events) => removed.push([reason, events]) })
    const [event, other] = [note(1), note(2)]
    put(store, event, other)

    store.banEvent(event.id, '')
    const again = put(store, event)
    const count = store.count()
    store.moderation.drop('banned-event', event.id)

    expect(again).toEqual(['banned'])
    expect(count).toBe(1)
    expect(removed).toEqual([['banned', 1]])
    expect(put(store, event)).toEqual(['stored'])
  })

  it('may be banned before it comes', () => {
    const store = open()
    const event = note(1)

    store.banEvent(event.id, '')

    expect(put(store, event)).toEqual(['banned'])
  })

  it('that deleted something has deleted it all the same', () => {
    const store = open()
    const event = note(2)
    const deletion = alice.sign({ kind: 5, tags: [['e', event.id]], created_at: (NOW - 1) as UnixSec })
    put(store, event, deletion)

    store.banEvent(deletion.id, '')

    expect(put(store, event)).toEqual(['deleted'])
  })
})

it('a ban says that what was gathered before may hold what is gone', () => {
  const store = open()
  const before = store.vanishCount()

  store.banKey(alice.pubkey, '')
  store.banEvent(note(1).id, '')

  expect(store.vanishCount()).toBe(before + 2)
})

it('a list takes so many and no more, but changes what it has', () => {
  const { moderation } = open()
  const address = (i: number): string => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`
  for (let i = 0; i < MAX_LIST_ENTRIES; i++) moderation.put('refused-kind', address(i), '')

  const more = moderation.put('refused-kind', 'one more', '')
  const changed = moderation.put('refused-kind', address(1), 'why')
  const elsewhere = moderation.put('blocked-address', address(1), '')

  expect([more, changed, elsewhere]).toEqual([false, true, true])
  expect(moderation.noteOf('refused-kind', address(1))).toBe('why')
})
