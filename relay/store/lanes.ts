import type Database from 'better-sqlite3'
import type { Hashes } from '../../src/core/hashes.js'
import type { Filter } from '../../src/core/match.js'
import { isWellFormed } from '../../src/core/well-formed.js'
import { blobOfHex, tagKey } from './index-keys.js'
import { compareOrder } from './merge.js'
import type { Ordered } from './merge.js'

/**
 * A lane is one range of one index, read in pages in the order of the answer. A filter is answered by the lanes of its most
 * selective condition; the other conditions are checked on what these bring.
 */

/** An index entry: enough to order it, to check its kind, and to load the event. */
export interface Entry extends Ordered {
  readonly seq: number
  readonly kind: number
}

export interface Bounds {
  /** Ages, both included. */
  readonly from: number
  readonly to: number
  /** Nothing that was committed later. */
  readonly upToSeq: number
}

export interface Lane {
  readonly index: IndexName
  readonly key: readonly (Uint8Array | number)[]
}

/** How a filter is answered: which lanes, and what of the filter is still to be checked on each entry. */
export interface Plan {
  readonly lanes: readonly Lane[]
  readonly checks: 'nothing' | 'kinds' | 'everything'
}

const EVERYTHING: Plan = { lanes: [{ index: 'age', key: [] }], checks: 'nothing' }

export type IndexName = 'id' | 'age' | 'kind' | 'author' | 'authorKind' | 'tag'

export interface Lanes {
  page(lane: Lane, after: Ordered, bounds: Bounds, limit: number): Entry[]
  /** The one that reads least, by what is stored now. `filters`: of the question, which share what its lanes may hold; default 1. */
  plan(filter: Filter, bounds: Bounds, filters?: number): Plan
  /** Whatever is stored: by a tag where one is asked for, else by authors, else by kinds. */
  fixedPlan(filter: Filter, filters?: number): Plan
}

/**
 * Lanes of pairs of author and kind in all filters of one question. More are not worth their probes, and each holds a page of
 * entries: fifty authors and forty kinds in each of sixteen filters would hold 40 MB.
 */
export const MAX_PAIRS = 2_000
/** A lane is counted no further than this, and only so many lanes of a candidate. */
const MAX_COUNTED = 200
const MAX_SAMPLED = 16

/** The index of tags is in two parts (tag-index.ts). */
type SourceName = IndexName | 'freshTag'

const SOURCES: Record<SourceName, { from: string; where: string }> = {
  id: { from: 'events INDEXED BY events_by_id', where: 'id = ? AND' },
  age: { from: 'events INDEXED BY events_by_age', where: '' },
  kind: { from: 'events INDEXED BY events_by_kind', where: 'kind = ? AND' },
  author: { from: 'events INDEXED BY events_by_author', where: 'pubkey = ? AND' },
  authorKind: { from: 'events INDEXED BY events_by_author_kind', where: 'pubkey = ? AND kind = ? AND' },
  tag: { from: 'tags', where: 'key = ? AND' },
  freshTag: { from: 'fresh_tags', where: 'key = ? AND' },
}
const SOURCE_NAMES = Object.keys(SOURCES) as SourceName[]

type RawEntry = [seq: number, age: number, id: Buffer, kind: number]

export const openLanes = (db: Database.Database, hashes: Hashes): Lanes => {
  const pages = new Map(
    SOURCE_NAMES.map((name) => {
      const { from, where } = SOURCES[name]
      const text = `SELECT seq, age, id, kind FROM ${from}
        WHERE ${where} (age, id) > (?, ?) AND age <= ? AND seq <= ? ORDER BY age, id LIMIT ?`
      return [name, db.prepare<(Uint8Array | number)[], RawEntry>(text).raw()]
    }),
  )
  const counts = new Map(
    SOURCE_NAMES.map((name) => {
      const { from, where } = SOURCES[name]
      const text = `SELECT count(*) FROM (SELECT 1 FROM ${from} WHERE ${where} age BETWEEN ? AND ? LIMIT ${MAX_COUNTED})`
      return [name, db.prepare<(Uint8Array | number)[], number>(text).pluck()]
    }),
  )

  const sourcesOf = ({ index }: Lane): readonly SourceName[] => (index === 'tag' ? ['tag', 'freshTag'] : [index])

  const rawPage = (source: SourceName, lane: Lane, after: Ordered, bounds: Bounds, limit: number): Entry[] =>
    (pages.get(source)?.all(...lane.key, after.age, after.id, bounds.to, bounds.upToSeq, limit) ?? []).map(
      ([seq, age, id, kind]) => ({ seq, age, id, kind }),
    )

  /** About how many entries these lanes hold: exact while they are few. */
  const estimate = (lanes: readonly Lane[], bounds: Bounds): number => {
    const sampled = lanes.slice(0, MAX_SAMPLED)
    let entries = 0
    for (const lane of sampled) {
      for (const source of sourcesOf(lane)) entries += counts.get(source)?.get(...lane.key, bounds.from, bounds.to) ?? 0
    }
    return (entries * lanes.length) / Math.max(1, sampled.length)
  }

  return {
    page: (lane, after, bounds, limit) => {
      const page = rawPage(lane.index, lane, after, bounds, limit)
      const fresh = lane.index === 'tag' ? rawPage('freshTag', lane, after, bounds, limit) : []
      return fresh.length === 0 ? page : [...page, ...fresh].sort(compareOrder).slice(0, limit)
    },
    plan: (filter, bounds, filters = 1) => {
      const [first, ...others] = candidates(filter, hashes, MAX_PAIRS / filters)
      if (first === undefined) return EVERYTHING
      if (others.length === 0) return first
      let best = first
      let least = estimate(first.lanes, bounds)
      for (const plan of others) {
        const entries = estimate(plan.lanes, bounds)
        if (entries < least) [best, least] = [plan, entries]
      }
      return best
    },
    fixedPlan: (filter, filters = 1) => {
      const plans = candidates(filter, hashes, MAX_PAIRS / filters)
      // An empty list anywhere: nothing can match.
      const nothing = plans.find(({ lanes }) => lanes.length === 0)
      return nothing ?? plans.find(({ lanes }) => lanes[0]?.index === 'tag') ?? plans[0] ?? EVERYTHING
    },
  }
}

/**
 * The plans worth a comparison; at equal cost the earlier one is better. None: the filter asks for everything. An empty list
 * makes a plan without lanes, which finds nothing, as NIP-01 has it.
 */
const candidates = (filter: Filter, hashes: Hashes, maxPairs: number): Plan[] => {
  const { ids, authors, kinds } = filter
  const tags = tagConditions(filter)
  const plans: Plan[] = []
  const only = (conditions: number): boolean =>
    conditions === Number(ids !== undefined) + Number(authors !== undefined) + tags.length
  /** What is left to check, where the lanes fulfil `fulfilled` conditions other than kinds. */
  const checks = (fulfilled: number, kindsToo: boolean): Plan['checks'] => {
    if (!only(fulfilled)) return 'everything'
    return kinds === undefined || kindsToo ? 'nothing' : 'kinds'
  }

  // An id is one event or none: nothing can be more selective.
  if (ids !== undefined) {
    const lanes = unique(ids).map((id): Lane => ({ index: 'id', key: [blobOfHex(id)] }))
    return [{ lanes, checks: checks(1, false) }]
  }
  if (authors !== undefined && kinds !== undefined && authors.length * kinds.length <= maxPairs) {
    const lanes = unique(authors).flatMap((author) => {
      const pubkey = blobOfHex(author)
      return unique(kinds).map((kind): Lane => ({ index: 'authorKind', key: [pubkey, kind] }))
    })
    plans.push({ lanes, checks: checks(1, true) })
  } else if (authors !== undefined) {
    const lanes = unique(authors).map((author): Lane => ({ index: 'author', key: [blobOfHex(author)] }))
    plans.push({ lanes, checks: checks(1, false) })
  }
  for (const [letter, values] of tags) {
    // A value without a UTF-8 form is in no event; the key of it would be that of another value.
    const possible = unique(values).filter(isWellFormed)
    const lanes = possible.map((value): Lane => ({ index: 'tag', key: [tagKey(letter, value, hashes)] }))
    plans.push({ lanes, checks: checks(1, false) })
  }
  if (kinds !== undefined) {
    plans.push({ lanes: unique(kinds).map((kind): Lane => ({ index: 'kind', key: [kind] })), checks: checks(0, true) })
  }
  return plans
}

export const tagConditions = (filter: Filter): [letter: string, values: readonly string[]][] => {
  const conditions: [string, readonly string[]][] = []
  for (const name in filter) {
    if (!name.startsWith('#')) continue
    const values = filter[name as `#${string}`]
    if (values !== undefined) conditions.push([name.slice(1), values])
  }
  return conditions
}

const unique = <T>(values: readonly T[]): T[] => [...new Set(values)]
