import { describe, expect, it } from 'vitest'
import { openLanes, MAX_PAIRS, type Lanes } from '../../../relay/store/lanes.js'
import { MAX_HELD_ENTRIES, openScans } from '../../../relay/store/scan.js'
import { openEventStore, type EventStore } from '../../../relay/store/store.js'
import type { Filter } from '../../../src/core/match.js'
import type { UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { asIncoming, ids } from '../../support/relay-store.js'
import { paperAuthor } from '../../support/signed.js'

const NOW = 1_800_000_000
const authors = Array.from({ length: 10 }, (_, i) => paperAuthor(`author ${i}`))
const KINDS = [1, 2, 4, 6, 7, 8]
const PER_PAIR = 6
/** So many of each kind that it is better to ask by author. */
const OF_A_STRANGER = 100

const filled = (): { store: EventStore; newest: string[] } => {
  const store = openEventStore(':memory:', nodeHashes)
  const events = Array.from({ length: authors.length * KINDS.length * PER_PAIR }, (_, i) =>
    authors[i % authors.length]!.sign({
      kind: KINDS[Math.floor(i / authors.length) % KINDS.length]!,
      created_at: (NOW - i) as UnixSec,
    }),
  )
  const strangers = Array.from({ length: KINDS.length * OF_A_STRANGER }, (_, i) =>
    paperAuthor('stranger').sign({ kind: KINDS[i % KINDS.length]!, created_at: (NOW - i) as UnixSec }),
  )
  store.write([...events, ...strangers].map(asIncoming), NOW as UnixSec)
  return { store, newest: ids(events) }
}
const ALL: Filter = { authors: authors.map(({ pubkey }) => pubkey), kinds: KINDS }

/** Asks, and notes by which lanes and how many entries each of them was last asked for. */
const asked = (store: EventStore, filters: readonly Filter[]): { found: string[]; lanes: number; held: number } => {
  const real = openLanes(store.database, nodeHashes)
  const sizes = new Map<string, number>()
  const noting: Lanes = {
    ...real,
    page: (lane, after, bounds, limit) => {
      const page = real.page(lane, after, bounds, limit)
      const name = `${lane.index} ${lane.key.map((part) => (typeof part === 'number' ? part : Buffer.from(part).toString('hex'))).join()}`
      sizes.set(name, Math.max(sizes.get(name) ?? 0, page.length))
      return page
    },
  }
  const { scan } = openScans(store.database, noting, { isEmpty: true, hides: () => false })
  const found: string[] = []
  const options = { upToSeq: store.lastSeq(), maxLimit: 5_000, now: () => NOW as UnixSec }
  const source = scan(filters, options)
  for (let step = source.next(); step.done !== true; step = source.next()) {
    if (step.value !== undefined) found.push(Buffer.from(step.value.id).toString('hex'))
  }
  const held = [...sizes.values()].reduce((sum, size) => sum + size, 0)
  return { found, lanes: sizes.size, held: held * filters.length }
}

describe('what a question holds of the index', () => {
  it('is bounded for all of its filters together, and the answer stays the same', () => {
    const { store, newest } = filled()
    const many = Math.floor(MAX_PAIRS / (authors.length * KINDS.length)) + 1

    const one = asked(store, [ALL])
    const all = asked(
      store,
      Array.from({ length: many }, () => ALL),
    )

    expect([one.found, all.found]).toEqual([newest, newest])
    expect([one.lanes, all.lanes]).toEqual([authors.length * KINDS.length, authors.length])
    expect(all.held).toBeLessThanOrEqual(MAX_HELD_ENTRIES)
    store.close()
  })
})
