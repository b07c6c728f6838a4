import type Database from 'better-sqlite3'
import { matches } from '../../src/core/match.js'
import type { Filter } from '../../src/core/match.js'
import type { NostrEvent, UnixSec } from '../../src/core/types.js'
import { isExpired } from '../events/expiration.js'
import type { Bounds, Entry, Lane, Lanes } from './lanes.js'
import { merge } from './merge.js'
import type { Ordered, Source } from './merge.js'

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

const FIRST_PAGE = 8
const MAX_PAGE = 256
const BEFORE_ALL_IDS = new Uint8Array(0)

type RawEvent = [json: string, expiresAt: UnixSec | null]

export const openScans = (db: Database.Database, lanes: Lanes): { scan: Scan; scanEntries: EntryScan } => {
  const load = db.prepare<[number], RawEvent>('SELECT json, expires_at FROM events WHERE seq = ?').raw()

  const expired = db.prepare<[number], number>('SELECT seq FROM events WHERE expires_at <= ?').pluck()

  function* laneEntries(lane: Lane, bounds: Bounds, firstPage: number): Generator<Entry | undefined, void> {
    let after: Ordered = { age: bounds.from, id: BEFORE_ALL_IDS }
    for (let size = firstPage; ; size = Math.min(MAX_PAGE, size * 2)) {
      const page = lanes.page(lane, after, bounds, size)
      yield undefined
      yield* page
      const last = page.at(-1)
      if (last === undefined || page.length < size) return
      after = last
    }
  }

  function* filterItems<T>(
    filter: Filter,
    options: ScanOptions,
    load: (entry: Entry, filter: Filter | undefined) => T | undefined,
  ): Generator<T | undefined, void> {
    const limit = Math.min(filter.limit ?? options.maxLimit, options.maxLimit)
    if (limit === 0) return
    const bounds: Bounds = {
      from: -(filter.until ?? Number.MAX_SAFE_INTEGER),
      to: -(filter.since ?? 0),
      upToSeq: options.upToSeq,
    }
    const plan = lanes.plan(filter, bounds)
    yield undefined
    const kinds = plan.checks === 'kinds' ? new Set(filter.kinds) : undefined
    const firstPage = Math.max(FIRST_PAGE, Math.min(MAX_PAGE, Math.ceil(limit / plan.lanes.length)))
    let found = 0
    for (const entry of merge(plan.lanes.map((lane) => laneEntries(lane, bounds, firstPage)))) {
      if (entry === undefined || kinds?.has(entry.kind) === false) {
        yield undefined
        continue
      }
      const item = load(entry, plan.checks === 'everything' ? filter : undefined)
      yield item
      if (item !== undefined && ++found === limit) return
    }
  }

  const byKind = (entry: Entry, options: ScanOptions): boolean | undefined =>
    options.mayRead === undefined ? true : options.mayReadKind?.(entry.kind)

  /** The event's JSON, unless it is gone, has expired, does not match, or may not be read. */
  const loadReadable = (entry: Entry, filter: Filter | undefined, options: ScanOptions): string | undefined => {
    const known = byKind(entry, options)
    if (known === false) return undefined
    const row = load.get(entry.seq)
    if (row === undefined) return undefined
    const [json, expiresAt] = row
    if (isExpired(expiresAt ?? undefined, options.now())) return undefined
    if (filter === undefined && known === true) return json
    const event = JSON.parse(json) as NostrEvent
    if (filter !== undefined && !matches(filter, event)) return undefined
    return known === true || options.mayRead?.(event) === true ? json : undefined
  }

  const scan: Scan = (filters, options) =>
    merge(
      filters.map((filter) =>
        filterItems(filter, options, (entry, unchecked) => {
          const json = loadReadable(entry, unchecked, options)
          return json === undefined ? undefined : { age: entry.age, id: entry.id, json }
        }),
      ),
    )

  const scanEntries: EntryScan = (filters, options) => {
    // As of now: the sweep keeps them few.
    const ended = new Set(expired.all(options.now()))
    return merge(
      filters.map((filter) =>
        filterItems(filter, options, (entry, unchecked) => {
          if (ended.has(entry.seq)) return undefined
          if (unchecked === undefined && byKind(entry, options) === true) return entry
          return loadReadable(entry, unchecked, options) === undefined ? undefined : entry
        }),
      ),
    )
  }

  return { scan, scanEntries }
}
