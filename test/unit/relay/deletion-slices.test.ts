import { describe, expect, it } from 'vitest'
import { inBatches } from '../../../relay/ingest/batch.js'
import { openEventStore } from '../../../relay/store/store.js'
import type { EventStore } from '../../../relay/store/store.js'
import { runChores } from '../../../relay/store/upkeep.js'
import type { NostrEvent, UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { asIncoming, ask, ids, testFolder } from '../../support/relay-store.js'
import { paperAuthor } from '../../support/signed.js'

const NOW = 1_800_000_000
const [alice, bob] = [paperAuthor('alice'), paperAuthor('bob')]
const folder = testFolder()

const open = (file = ':memory:'): EventStore => openEventStore(file, nodeHashes, { now: () => NOW as UnixSec })
const put = (store: EventStore, ...events: NostrEvent[]): string[] =>
  store.write(events.map(asIncoming), NOW as UnixSec).map(({ state }) => state)
const at = (ageSec: number): { created_at: UnixSec } => ({ created_at: (NOW - ageSec) as UnixSec })

const notes = Array.from({ length: 300 }, (_, i) => alice.sign({ ...at(100 + i), content: String(i) }))
const pages = Array.from({ length: 300 }, (_, i) => alice.sign({ ...at(100), kind: 30_000, tags: [['d', String(i)]] }))
const bobs = bob.sign(at(100))
const deletion = alice.sign({
  ...at(10),
  kind: 5,
  tags: [...ids([...notes, bobs]).map((id) => ['e', id]), ...pages.map((_, i) => ['a', `30000:${alice.pubkey}:${i}`])],
})

describe('a deletion that names much', () => {
  it('hides all of it at once, and only what is its author’s', () => {
    const store = open()
    put(store, ...notes, ...pages, bobs)

    put(store, deletion)

    expect(store.count()).toBeGreaterThan(500)
    expect(ids(ask(store, [{}])).sort()).toEqual(ids([bobs, deletion]).sort())
    expect(store.has(notes.at(-1)!.id)).toBe(false)
  })

  it('lets nothing of it in again, whether it is off the disk by then or not', () => {
    const store = open()
    put(store, ...notes, ...pages, deletion)
    const again = [notes[0]!, notes.at(-1)!, pages[0]!, pages.at(-1)!]

    const during = put(store, ...again)
    runChores(store.chores)
    const after = put(store, ...again)

    expect([...during, ...after]).toEqual(Array.from({ length: 8 }, () => 'deleted'))
    expect(store.count()).toBe(1)
  })

  it('is finished after a restart too', () => {
    const file = `${folder()}/relay.sqlite`
    const first = open(file)
    put(first, ...notes, ...pages, bobs, deletion)
    first.close()

    const second = open(file)
    const before = ids(ask(second, [{}])).sort()
    runChores(second.chores)

    expect(before).toEqual(ids([bobs, deletion]).sort())
    expect(second.count()).toBe(2)
    second.close()
  })

  it('leaves room for a newer page in the place of one that waits for its removal', () => {
    const store = open()
    put(store, ...notes, ...pages, deletion)
    const newer = alice.sign({ ...at(5), kind: 30_000, tags: [['d', '299']] })

    expect(put(store, newer)).toEqual(['stored'])
    runChores(store.chores)

    expect(ids(ask(store, [{}])).sort()).toEqual(ids([newer, deletion]).sort())
  })
})

describe('a batch of heavy items', () => {
  it('is a small one, and holds one at least', async () => {
    const sizes: number[] = []
    const run = (items: readonly number[]): number[] => {
      sizes.push(items.length)
      return [...items]
    }
    const submit = inBatches(10, run, (weight) => weight)

    await Promise.all([1, 4, 5, 6, 50, 1].map(submit))

    expect(sizes).toEqual([3, 1, 1, 1])
  })
})
