import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { expirationOf } from '../../relay/events/expiration.js'
import { openEventStore, type EventStore } from '../../relay/store/store.js'
import type { Filter } from '../../src/core/match.js'
import type { NostrEvent, UnixSec } from '../../src/core/types.js'
import { AUTHORS, oneIn } from '../../scripts/fuzz-relay/events.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import { naiveMatch } from '../../scripts/fuzz-relay/naive.js'
import { naiveStored } from '../../scripts/fuzz-relay/naive-state.js'
import { chanceOf } from '../../scripts/kill9/chance.js'
import {
  ENDED,
  eventsAndProbes,
  eventsAndFarewell,
  type Farewell,
  live,
  makeHistory,
  STARTED,
  stateOf,
} from '../support/relay-history.js'
import { asIncoming, testFolder } from '../support/relay-store.js'

// Much work on a machine that may have other work; only what hangs is ended by it.
vi.setConfig({ testTimeout: 240_000 })

/** One final state, whatever the order of arrival, and whatever else happened meanwhile. */

const SETS_PER_SEED = 80
const FIXED_SEEDS = [1, 100_001]
const RANDOM_SEED = randomInt(1_000_000_000)
const ORDERS = 4
const FILTERS: readonly Filter[] = [
  {},
  { authors: [AUTHORS[0]!, AUTHORS[3]!] },
  { '#p': AUTHORS },
  { kinds: [5, 62, 1_059] },
]

const folder = testFolder()

const naiveStateOf = (events: readonly NostrEvent[]): string[][] => {
  const held = naiveStored(events, ENDED).sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1))
  return FILTERS.flatMap((filter) => {
    const found = held.filter((event) => naiveMatch(filter, event)).map(({ id }) => id)
    return [found, found]
  })
}

/** What the relay would say of each, one after the other. */
const verdicts = (store: EventStore, events: readonly NostrEvent[]): string[] =>
  events.map((event) => {
    const [outcome] = store.write([asIncoming(event)], ENDED as UnixSec)
    return outcome?.state === 'superseded' ? `superseded, ${outcome.held ? 'held' : 'gone'}` : outcome!.state
  })

const reached: Record<string, number> = {}

describe('whatever the order of arrival', () => {
  it.each([...FIXED_SEEDS, RANDOM_SEED])('the same is served, and the same is taken next, seed %i', (seed) => {
    for (let n = 0; n < SETS_PER_SEED; n++) {
      const again = `seed ${seed + n}`
      const chance = chanceOf(seed + n)
      const { events, probes } = eventsAndProbes(chance)
      const said: string[][] = []
      for (let order = 0; order < ORDERS; order++) {
        const withRestarts = order === 0 && n % 5 === 0
        const file = withRestarts ? join(folder(), 'relay.sqlite') : ':memory:'
        const { store, ghosts } = live(file, makeHistory(chance, events, withRestarts))

        expect(ghosts, again).toEqual([])
        expect(stateOf(store, FILTERS, ENDED), again).toEqual(naiveStateOf(events))
        // What came once may come again: nothing that is gone comes back, nothing that is there goes.
        expect(verdicts(store, chance.shuffled(events)), again).not.toContain('stored')
        expect(stateOf(store, FILTERS, ENDED), again).toEqual(naiveStateOf(events))
        said.push(verdicts(store, probes))
        expect(stateOf(store, FILTERS, ENDED), again).toEqual(naiveStateOf([...events, ...probes]))
        store.close()
      }
      for (const other of said) expect(other, again).toEqual(said[0])
      for (const verdict of said[0]!) reached[verdict] = (reached[verdict] ?? 0) + 1
    }
  })

  it('everything that can become of an event became of some', () => {
    for (const verdict of ['stored', 'superseded, held', 'superseded, gone', 'deleted', 'vanished', 'expired']) {
      expect(reached[verdict], JSON.stringify(reached)).toBeGreaterThan(10)
    }
  })
})

describe('while many events of one author go in slices', () => {
  const REMOVED_AT_LEAST = 300

  it.each<[Farewell, number]>([
    ['a request to vanish', 1],
    ['a request to vanish', RANDOM_SEED],
    ['a deletion that names them all', 1],
    ['a deletion that names them all', RANDOM_SEED],
  ])('by %s, nothing of them is served between the slices, seed %i', (farewell, seed) => {
    const chance = chanceOf(seed)
    const again = `seed ${seed}`
    const file = join(folder(), 'relay.sqlite')
    const { events, request } = eventsAndFarewell(chance, farewell)
    let store = openEventStore(file, nodeHashes)
    store.write(events.map(asIncoming), STARTED as UnixSec)
    const before = store.count()
    store.write([asIncoming(request)], STARTED as UnixSec)
    const wanted = naiveStateOf([...events, request])
    const served = new Set(wanted[0])
    let slices = 0

    for (;;) {
      expect(stateOf(store, FILTERS, ENDED), again).toEqual(wanted)
      for (const { id } of events)
        if (!served.has(id) && store.has(id)) expect(expiresBy(events, id, ENDED), again).toBe(true)
      // A copy that comes now is no reason to show it again.
      expect(verdicts(store, [chance.pick(events)]), again).not.toContain('stored')
      if (oneIn(chance, 4)) {
        store.close()
        store = openEventStore(file, nodeHashes)
      }
      if (slice(store, 1 + chance.below(30))) break
      slices++
    }
    while (store.removeExpired(ENDED as UnixSec, 100) > 0);

    expect(stateOf(store, FILTERS, ENDED), again).toEqual(wanted)
    expect(store.count(), again).toBe(served.size)
    expect(before - store.count(), again).toBeGreaterThan(REMOVED_AT_LEAST)
    expect(slices, again).toBeGreaterThan(3)
    store.close()
  })

  /** True: nothing is left to do. */
  const slice = (store: EventStore, steps: number): boolean =>
    store.chores
      .filter(({ name }) => name === 'vanish' || name === 'delete')
      .map((chore) => {
        const round = chore.round()
        let isOver = false
        chore.together(() => {
          for (let n = 0; n < steps && !isOver; n++) isOver = round.next().done === true
        })
        return isOver
      })
      .every((isOver) => isOver)

  const expiresBy = (events: readonly NostrEvent[], id: string, nowSec: number): boolean =>
    events.some((event) => event.id === id && (expirationOf(event) ?? Infinity) <= nowSec)
})
