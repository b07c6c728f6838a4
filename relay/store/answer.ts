import type { Entry } from './lanes.js'
import { compareOrder, merge } from './merge.js'
import type { Ordered, Source } from './merge.js'

/**
 * The stored part of a REQ, and whether it is all of it (NIP-67).
 *
 * A filter brings its events up to its limit. Where the limit cuts through a second, the rest of that second follows, if it
 * is no more than MAX_TIES events: a client that pages with `until` would lose it otherwise. From there on the filter only
 * looks ahead: what it finds now is *beyond* its limit. Another filter may send the same event; an event that is beyond for
 * all that bring it shows that there is more, and ends the search.
 *
 * What the reader may not read counts nowhere, not as a tie and not as work: else the end of the answer would tell of it.
 */

export type Completeness =
  /** Nothing is left out. */
  | 'finish'
  /** Something is. */
  | 'more'
  /** To find out would have cost too much. */
  | 'unknown'

/** `undefined` as in a source. */
export type Answer = Iterator<AnsweredEvent | undefined, Completeness>

export interface AnsweredEvent extends Ordered {
  readonly json: string
}

/** Events of the second in which a limit cuts that are sent beyond it: all of them, or, where there are more, none. */
export const MAX_TIES = 500
/** Readable events that do not match and are loaded to find out whether there is more. */
export const MAX_LOOK_AHEAD = 1_000

/** The reader may read it; it is not what was asked for. */
export const NO_MATCH = Symbol('no match')

/** What may be an event of one filter, in order, and what each of them is. Undefined: there is none for this reader. */
export interface Judged {
  readonly entries: Iterable<Entry | undefined>
  judge(entry: Entry): string | typeof NO_MATCH | undefined
}

/** Two ways to the events of one filter. Both bring the same ones. */
export interface Ways {
  /** Chosen by how much is stored. */
  quickest(): Judged
  /**
   * Chosen by the filter alone, and so for the search that may be given up: the way decides how much it meets that does not
   * match. Were it chosen by how much is stored, giving up would tell how much of that may not be read.
   */
  fixed(after: Ordered | undefined): Judged
}

/** What the filters of one REQ have found out together. */
export interface Search {
  /** Something is left out: nobody needs to look ahead any more. */
  more: boolean
  /** Somebody gave up. */
  unknown: boolean
}

interface Item extends Ordered {
  /** Undefined: it is beyond the limit of this filter. */
  readonly json: string | undefined
}

export function* mergeAnswers(
  filters: readonly ((search: Search) => Source<Item>)[],
): Generator<AnsweredEvent | undefined, Completeness> {
  const search: Search = { more: false, unknown: false }
  let sent: Item | undefined
  for (const item of merge(
    filters.map((open) => open(search)),
    sentFirst,
  )) {
    if (item === undefined) yield undefined
    else if (item.json !== undefined) {
      sent = item
      yield { age: item.age, id: item.id, json: item.json }
    } else if (sent === undefined || compareOrder(sent, item) !== 0) search.more = true
  }
  return search.more ? 'more' : search.unknown ? 'unknown' : 'finish'
}

/** In the order of the answer; of one event, the filter that sends it comes before those for which it is beyond. */
const sentFirst = (a: Item, b: Item): number =>
  compareOrder(a, b) || Number(a.json === undefined) - Number(b.json === undefined)

/** One filter's part. */
export function* answerItems(ways: Ways, limit: number, search: Search): Generator<Item | undefined, void> {
  let last: Ordered | undefined
  if (limit > 0) {
    const { entries, judge } = ways.quickest()
    yield undefined
    let found = 0
    for (const entry of entries) {
      const json = entry === undefined ? undefined : judge(entry)
      if (entry === undefined || typeof json !== 'string') {
        yield undefined
        continue
      }
      yield { age: entry.age, id: entry.id, json }
      last = entry
      if (++found === limit) break
    }
    if (found < limit) return
  }
  yield* beyondLimit(ways.fixed(last), last?.age, search)
}

/** The rest of the second in which the limit cut, and whether there is more. */
function* beyondLimit(
  { entries, judge }: Judged,
  boundary: number | undefined,
  search: Search,
): Generator<Item | undefined, void> {
  yield undefined
  /** Matching events of that second; undefined once it is over, or too full, or where the limit is 0. */
  let ties: Entry[] | undefined = boundary === undefined ? undefined : []
  let missed = 0
  for (const entry of entries) {
    if (ties === undefined && search.more) return
    if (entry === undefined) {
      yield undefined
      continue
    }
    if (ties !== undefined && entry.age !== boundary) {
      yield* together(ties, judge)
      ties = undefined
    }
    const json = judge(entry)
    if (typeof json !== 'string') {
      yield undefined
      if (json !== NO_MATCH || ++missed <= MAX_LOOK_AHEAD) continue
      search.unknown = true
      if (ties !== undefined) yield* ties.map(beyond)
      return
    }
    if (ties === undefined) {
      yield beyond(entry)
    } else {
      yield undefined
      ties.push(entry)
      if (ties.length <= MAX_TIES) continue
      yield* ties.map(beyond)
      ties = undefined
    }
  }
  if (ties !== undefined) yield* together(ties, judge)
}

/** Looked at again rather than kept: they may be large, and their reader slow. */
function* together(ties: readonly Entry[], judge: Judged['judge']): Generator<Item | undefined> {
  for (const entry of ties) {
    const json = judge(entry)
    yield typeof json === 'string' ? { age: entry.age, id: entry.id, json } : undefined
  }
}

const beyond = ({ age, id }: Entry): Item => ({ age, id, json: undefined })
