import type Database from 'better-sqlite3'
import { matches } from '../../src/core/match.js'
import type { Filter } from '../../src/core/match.js'
import type { NostrEvent, UnixSec } from '../../src/core/types.js'
import { isExpired } from '../events/expiration.js'
import { answerItems, mergeAnswers, NO_MATCH } from './answer.js'
import type { Answer, Judged, Ways } from './answer.js'
import type { Bounds, Entry, Lane, Lanes, Plan } from './lanes.js'
import { merge } from './merge.js'
import type { Ordered, Source } from './merge.js'
import type { Vanishing } from './vanishing.js'

/**
 * Stored events in the order of the answer, a little at a time. Filters become lanes, lanes are merged into a filter's
 * events, filters' events into one answer in which every event stands once. Each page is a read of its own: what is deleted
 * between two pages is not served, and no read transaction stays open while a slow client takes its time.
 */
export interface StoredEvent extends Ordered {
  readonly json: string
}

export interface ScanOptions {
  /** Nothing that was committed later. */
  readonly upToSeq: number
  /** Stored events for one filter, also where it names no limit. */
  readonly maxLimit: number
  readonly now: () => UnixSec
  /** Absent: everything may be read. */
  readonly mayRead?: (event: NostrEvent) => boolean
  /** The same where the kind alone decides; undefined where it does not. */
  readonly mayReadKind?: (kind: number) => boolean | undefined
}

export type Scan = (filters: readonly Filter[], options: ScanOptions) => Source<StoredEvent>

/** The same events by time and id alone: from the index, without loading those that the index can judge. */
export type EntryScan = (filters: readonly Filter[], options: ScanOptions) => Source<Ordered>

/** The stored part of a REQ: `scan`, with what its end says of completeness (answer.ts). */
export type AnswerScan = (filters: readonly Filter[], options: ScanOptions) => Answer

const FIRST_PAGE = 8
const MAX_PAGE = 256
/** Entries that the pages of all lanes of one question hold, about. */
export const MAX_HELD_ENTRIES = 8_192
const BEFORE_ALL_IDS = new Uint8Array(0)
/** Read before the first slice of a COUNT or a comparison, and so not many. */
export const MAX_KNOWN_EXPIRED = 1_000

/** What the lanes bring for one filter, and what of it is still to be checked. */
interface FilterEntries {
  readonly entries: Source<Entry> & Iterable<Entry | undefined>
  readonly kinds: ReadonlySet<number> | undefined
  readonly unchecked: Filter | undefined
}

type RawEvent = [json: string, expiresAt: UnixSec | null]

export const openScans = (
  db: Database.Database,
  lanes: Lanes,
  vanishing: Pick<Vanishing, 'isEmpty' | 'hides'>,
): { scan: Scan; scanEntries: EntryScan; answer: AnswerScan } => {
  const load = db.prepare<[number], RawEvent>('SELECT json, expires_at FROM events WHERE seq = ?').raw()

  const expired = db
    .prepare<[number], number>(`SELECT seq FROM events WHERE expires_at <= ? LIMIT ${MAX_KNOWN_EXPIRED + 1}`)
    .pluck()
  const hasEnded = db
    .prepare<[number, number], number>('SELECT 1 FROM events WHERE seq = ? AND expires_at <= ?')
    .pluck()

  function* laneEntries(
    lane: Lane,
    bounds: Bounds,
    firstPage: number,
    maxPage: number,
    start: Ordered,
  ): Generator<Entry | undefined, void> {
    let after = start
    for (let size = firstPage; ; size = Math.min(maxPage, size * 2)) {
      const page = lanes.page(lane, after, bounds, size)
      yield undefined
      yield* page
      const last = page.at(-1)
      if (last === undefined || page.length < size) return
      after = last
    }
  }

  const boundsOf = (filter: Filter, options: ScanOptions): Bounds => ({
    from: -(filter.until ?? Number.MAX_SAFE_INTEGER),
    to: -(filter.since ?? 0),
    upToSeq: options.upToSeq,
  })

  /** What the lanes of a plan bring for a filter, in order, and how to judge it; `undefined` as in a source. */
  const filterEntries = (
    filter: Filter,
    plan: Plan,
    bounds: Bounds,
    wanted: number,
    filters: number,
    after: Ordered = { age: bounds.from, id: BEFORE_ALL_IDS },
  ): FilterEntries => {
    const lanesInAll = plan.lanes.length * filters
    const maxPage = Math.max(FIRST_PAGE, Math.min(MAX_PAGE, Math.floor(MAX_HELD_ENTRIES / lanesInAll)))
    const firstPage = Math.max(FIRST_PAGE, Math.min(maxPage, Math.ceil(wanted / plan.lanes.length)))
    return {
      entries: merge(plan.lanes.map((lane) => laneEntries(lane, bounds, firstPage, maxPage, after))),
      kinds: plan.checks === 'kinds' ? new Set(filter.kinds) : undefined,
      unchecked: plan.checks === 'everything' ? filter : undefined,
    }
  }

  const limitOf = (filter: Filter, options: ScanOptions): number =>
    Math.min(filter.limit ?? options.maxLimit, options.maxLimit)

  function* filterItems<T>(
    filter: Filter,
    options: ScanOptions,
    filters: number,
    load: (entry: Entry, filter: Filter | undefined) => T | undefined,
  ): Generator<T | undefined, void> {
    const limit = limitOf(filter, options)
    if (limit === 0) return
    const bounds = boundsOf(filter, options)
    const { entries, kinds, unchecked } = filterEntries(
      filter,
      lanes.plan(filter, bounds, filters),
      bounds,
      limit,
      filters,
    )
    yield undefined
    let found = 0
    for (const entry of entries) {
      if (entry === undefined || kinds?.has(entry.kind) === false) {
        yield undefined
        continue
      }
      const item = load(entry, unchecked)
      yield item
      if (item !== undefined && ++found === limit) return
    }
  }

  const byKind = (entry: Entry, options: ScanOptions): boolean | undefined =>
    options.mayRead === undefined ? true : options.mayReadKind?.(entry.kind)

  /** The event's JSON, unless it is gone, has expired, does not match, or may not be read. `NO_MATCH`: it may be read. */
  const judge = (
    entry: Entry,
    filter: Filter | undefined,
    options: ScanOptions,
  ): string | typeof NO_MATCH | undefined => {
    const known = byKind(entry, options)
    if (known === false) return undefined
    const row = load.get(entry.seq)
    if (row === undefined) return undefined
    const [json, expiresAt] = row
    if (isExpired(expiresAt ?? undefined, options.now())) return undefined
    if (filter === undefined && known === true && vanishing.isEmpty) return json
    const event = JSON.parse(json) as NostrEvent
    if (vanishing.hides(event)) return undefined
    if (known !== true && options.mayRead?.(event) !== true) return undefined
    return filter !== undefined && !matches(filter, event) ? NO_MATCH : json
  }

  const loadReadable = (entry: Entry, filter: Filter | undefined, options: ScanOptions): string | undefined => {
    const json = judge(entry, filter, options)
    return json === NO_MATCH ? undefined : json
  }

  const scan: Scan = (filters, options) =>
    merge(
      filters.map((filter) =>
        filterItems(filter, options, filters.length, (entry, unchecked) => {
          const json = loadReadable(entry, unchecked, options)
          return json === undefined ? undefined : { age: entry.age, id: entry.id, json }
        }),
      ),
    )

  const scanEntries: EntryScan = (filters, options) => {
    // As of now: upkeep keeps them few. Where thousands have expired in one second they are asked for one by one.
    const some = new Set(expired.all(options.now()))
    const isOver = (seq: number): boolean =>
      some.size > MAX_KNOWN_EXPIRED ? hasEnded.get(seq, options.now()) !== undefined : some.has(seq)
    return merge(
      filters.map((filter) =>
        filterItems(filter, options, filters.length, (entry, unchecked) => {
          if (isOver(entry.seq)) return undefined
          if (unchecked === undefined && byKind(entry, options) === true && vanishing.isEmpty) return entry
          return loadReadable(entry, unchecked, options) === undefined ? undefined : entry
        }),
      ),
    )
  }

  const answer: AnswerScan = (filters, options) => {
    const many = filters.length
    return mergeAnswers(
      filters.map((filter) => (search) => {
        const bounds = boundsOf(filter, options)
        const limit = limitOf(filter, options)
        const judged = ({ entries, kinds, unchecked }: FilterEntries): Judged => ({
          entries,
          judge: (entry) => {
            if (kinds?.has(entry.kind) !== false) return judge(entry, unchecked, options)
            return byKind(entry, options) === true ? NO_MATCH : undefined
          },
        })
        const ways: Ways = {
          quickest: () => judged(filterEntries(filter, lanes.plan(filter, bounds, many), bounds, limit, many)),
          fixed: (after) => judged(filterEntries(filter, lanes.fixedPlan(filter, many), bounds, 1, many, after)),
        }
        return answerItems(ways, limit, search)
      }),
    )
  }

  return { scan, scanEntries, answer }
}
