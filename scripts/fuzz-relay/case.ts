import type { Filter } from '../../src/core/match.js'
import type { NostrEvent } from '../../src/core/types.js'
import type { Chance } from '../kill9/chance.js'
import { AUTHORS, makeEvents, NOW, oneIn } from './events.js'
import { makeFilters } from './filters.js'

/** One question to a set of events: the pair that is fuzzed. Plain data, so that a counterexample can be cut down and printed. */
export interface Query {
  readonly filters: readonly Filter[]
  /** Keys that the asker proved. */
  readonly viewer: readonly string[]
  readonly maxLimit: number
  /** Seconds after the writing: what was stored may have expired by then. */
  readonly laterSec: number
  /** The question was asked when so many events had been stored. */
  readonly upTo: number
}

export interface World {
  /** In the order of their arrival. */
  readonly events: readonly NostrEvent[]
  /** Events in one commit. */
  readonly batch: number
  /** The only keys that may read at all; absent: everybody. */
  readonly readers?: readonly string[]
  /** Events that expire are taken off the disk before the questions. */
  readonly swept: boolean
  readonly queries: readonly Query[]
}

export const makeWorld = (chance: Chance, queries: number): World => {
  const size = oneIn(chance, 20) ? chance.below(4) : oneIn(chance, 20) ? 300 : 20 + chance.below(60)
  const events = makeEvents(chance, size, { withVanish: oneIn(chance, 4) })
  return {
    events,
    batch: chance.pick([1, 7, 1_000]),
    ...(oneIn(chance, 8) ? { readers: [chance.pick(AUTHORS)] } : {}),
    swept: oneIn(chance, 2),
    queries: Array.from({ length: queries }, () => ({
      filters: makeFilters(chance, events),
      viewer: AUTHORS.filter(() => oneIn(chance, 3)),
      maxLimit: oneIn(chance, 4) ? 1 + chance.below(6) : 5_000,
      laterSec: chance.pick([0, 0, 1, 2]),
      upTo: oneIn(chance, 5) ? chance.below(size + 1) : Infinity,
    })),
  }
}

export const writtenAt = NOW
