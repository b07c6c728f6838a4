import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openEventStore } from '../../../relay/store/store.js'
import type { EventStore } from '../../../relay/store/store.js'
import type { Outcome } from '../../../relay/store/store-write.js'
import { runChores } from '../../../relay/store/upkeep.js'
import type { Filter } from '../../../src/core/match.js'
import type { NostrEvent, UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { asIncoming, ask, ids, testFolder } from '../../support/relay-store.js'
import { paperAuthor } from '../../support/signed.js'

/** More than is removed at once: what follows is true while the rest is still on the disk. */
const MANY = 1_500
const NOW = 1_800_000_000
const [alice, bob] = [paperAuthor('alice'), paperAuthor('bob')]
const folder = testFolder()

const open = (file: string): EventStore => openEventStore(file, nodeHashes, { now: () => NOW as UnixSec })
const put = (store: EventStore, ...events: NostrEvent[]): Outcome['state'][] => {
  const states: Outcome['state'][] = []
  for (let i = 0; i < events.length; i += 500) {
    const outcomes = store.write(events.slice(i, i + 500).map(asIncoming), NOW as UnixSec)
    states.push(...outcomes.map(({ state }) => state))
  }
  return states
}
const at = (ageSec: number): { created_at: UnixSec } => ({ created_at: (NOW - ageSec) as UnixSec })
const entriesOf = (store: EventStore, filter: Filter): number => {
  const options = { upToSeq: store.lastSeq(), maxLimit: Infinity, now: () => NOW as UnixSec }
  let entries = 0
  const source = store.scanEntries([filter], options)
  for (let step = source.next(); step.done !== true; step = source.next()) if (step.value !== undefined) entries++
  return entries
}

const notes = Array.from({ length: MANY }, (_, i) => alice.sign({ ...at(10 + i), content: String(i) }))
const wraps = Array.from({ length: MANY }, (_, i) =>
  bob.sign({ ...at(10 + i), kind: 1059, tags: [['p', alice.pubkey]], content: String(i) }),
)
const staying = [
  alice.sign(at(1)),
  bob.sign({ ...at(50), tags: [['p', alice.pubkey]] }),
  bob.sign({ ...at(50), kind: 1059, tags: [['p', bob.pubkey]] }),
]
const vanish = alice.sign({ ...at(5), kind: 62, tags: [['relay', 'ALL_RELAYS']] })

const filled = (file = ':memory:'): EventStore => {
  const store = open(file)
  put(store, ...notes, ...wraps, ...staying)
  return store
}
const readable = (store: EventStore): string[] => ids(ask(store, [{}], { maxLimit: 10_000 })).sort()
const expected = ids([...staying, vanish]).sort()

describe('a request to vanish that covers much', () => {
  it('is answered long before all of it is off the disk', () => {
    const store = filled()

    put(store, vanish)

    expect(store.count()).toBeGreaterThan(2 * MANY - 500)
  })

  it('hides everything at once: from REQ, COUNT, comparisons, and from what asks by id', () => {
    const store = filled()
    const seq = store.lastSeq() - staying.length

    put(store, vanish)

    expect(readable(store)).toEqual(expected)
    expect(ask(store, [{ ids: ids(notes).slice(-5) }])).toEqual([])
    expect(ask(store, [{ '#p': [alice.pubkey] }])).toEqual([staying[1]])
    expect(entriesOf(store, {})).toBe(expected.length)
    expect(entriesOf(store, { kinds: [1059] })).toBe(1)
    expect(store.has(notes.at(-1)!.id)).toBe(false)
    expect(store.isServed(seq)).toBe(false)
    expect(store.isServed(store.lastSeq())).toBe(true)
  })

  it('lets nothing of it in again, whether it is off the disk by then or not', () => {
    const store = filled()
    put(store, vanish)

    const during = put(store, notes[0]!, notes.at(-1)!, wraps.at(-1)!)
    runChores(store.chores)
    const after = put(store, notes[0]!, notes.at(-1)!, wraps.at(-1)!)

    expect([...during, ...after]).toEqual(Array.from({ length: 6 }, () => 'vanished'))
  })

  it('is finished by and by, and then nothing of it is on the disk', () => {
    const store = filled()
    put(store, vanish)

    runChores(store.chores)

    expect(store.count()).toBe(expected.length)
    expect(readable(store)).toEqual(expected)
  })

  it('goes on where it was after a crash', () => {
    const dir = folder()
    const [file, copy] = [join(dir, 'relay.sqlite'), join(dir, 'copy.sqlite')]
    const before = filled(file)
    put(before, vanish)
    for (const end of ['', '-wal']) copyFileSync(file + end, copy + end)
    before.close()

    const store = open(copy)
    const hidden = readable(store)
    runChores(store.chores)

    expect(hidden).toEqual(expected)
    expect(store.count()).toBe(expected.length)
    store.close()
  })

  it('reaches further when asked again meanwhile', () => {
    const store = filled()
    const again = alice.sign({ ...at(0), kind: 62, tags: [['relay', 'ALL_RELAYS']] })

    put(store, vanish, again)
    runChores(store.chores)

    expect(readable(store)).toEqual(ids([staying[1]!, staying[2]!, vanish, again]).sort())
    expect(store.count()).toBe(4)
  })

  it('is told to those who compare: what was gathered before is out of date', () => {
    const store = filled()
    const before = store.vanishCount()
    put(store, bob.sign(at(3)))
    const meanwhile = store.vanishCount()

    put(store, vanish)

    expect(meanwhile).toBe(before)
    expect(store.vanishCount()).not.toBe(before)
  })
})
