import { chanceOf } from '../kill9/chance.js'
import { makeWorld } from './case.js'
import type { World } from './case.js'
import { runWorld } from './differential.js'
import type { Mismatch } from './differential.js'
import { openShares } from './shares.js'
import type { Shares } from './shares.js'
import { shrink } from './shrink.js'

/** Pairs of one set of events: so many questions are asked of it. */
export const PAIRS_PER_WORLD = 25

/** A failure as small as it gets; `seed` makes the whole of its world again. */
export interface Failure {
  readonly seed: number
  readonly mismatch: Mismatch
  readonly world: World
}

export interface Report {
  readonly seed: number
  readonly pairs: number
  readonly failures: readonly Failure[]
  /** Of all pairs, what part met what. */
  readonly shares: Shares
}

export interface RunOptions {
  readonly seed: number
  readonly pairs: number
  /** It ends after so many. */
  readonly maxFailures?: number
  readonly progress?: (pairs: number) => void
}

/** World `n` has the seed `seed + n`, so that one that failed can be made again alone. */
export const fuzzDifferentially = ({ seed, pairs, maxFailures = 1, progress }: RunOptions): Report => {
  const failures: Failure[] = []
  const shares = openShares()
  let done = 0
  for (let n = 0; done < pairs && failures.length < maxFailures; n++) {
    const world = makeWorld(chanceOf(seed + n), Math.min(PAIRS_PER_WORLD, pairs - done))
    shares.world(world)
    const mismatch = runWorld(world, (query, seen) => shares.query(world, query, seen))
    done += world.queries.length
    if (mismatch !== undefined) failures.push(smallest(seed + n, world, mismatch))
    progress?.(done)
  }
  return { seed, pairs: done, failures, shares: shares.read() }
}

const smallest = (seed: number, world: World, mismatch: Mismatch): Failure => {
  const query = world.queries[mismatch.query]
  const alone: World = { ...world, queries: query === undefined ? [] : [query] }
  const fails = (smaller: World): boolean => runWorld(smaller)?.road === mismatch.road
  // Only together with the others, which is a finding of its own: then as it is.
  if (!fails(alone)) return { seed, mismatch, world }
  const small = shrink(alone, fails)
  return { seed, mismatch: runWorld(small) ?? mismatch, world: small }
}
