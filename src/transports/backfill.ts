import type { Filter } from '../core/match.js'

/**
 * Reads the past of one filter, page by page, newest first, without believing a relay anything that would make us miss an
 * event:
 *
 * - `until` is inclusive and each page begins with the second where the last one ended, because a page may have ended in
 *   the middle of a second (clients that ask for `until - 1` lose the rest of it).
 * - When a second brings nothing new any more, the one before is next: a relay that can't give all of a crowded second
 *   does not end the reading. Such a second is read again with a longer page, and where that brings nothing more through
 *   narrower filters, one author at a time.
 * - How many events a page has says nothing: relays cut where they like, and some ignore `limit`.
 * - Events from outside what was asked for (dated far ahead, or of a relay that ignores `since` or `until`) move nothing.
 * - A page without EOSE is used and not believed: the reading goes on and is not called whole.
 */

export interface Page {
  readonly events: readonly { readonly id: string; readonly created_at: number }[]
  /** The relay said EOSE. */
  readonly whole: boolean
}

/** Why a reading can't go on: the relay refused the page, or we are stopping. */
export type Asked = Page | 'refused'

export interface BackfillOptions {
  readonly filter: Filter
  /** Unix seconds, both included. */
  readonly since: number
  readonly until: number
  readonly limit: number
  readonly maxPages: number
  /** For a second that is more crowded than the relay's pages are long. */
  readonly narrower?: readonly Filter[]
  readonly ask: (filter: Filter) => Promise<Asked>
}

/** Ids remembered of one second. A relay that has more is either very busy or makes them up. */
const MAX_TIES = 20_000

/** So many events of one second are no chance: a sender in a hurry makes a thousand. */
const CROWD = 20
/** What a second is asked for that is crowded; relays that have a limit take theirs. */
const CROWDED_LIMIT = 5_000

/** True when the whole window was read and every page ended with EOSE. */
export const backfill = async (o: BackfillOptions): Promise<boolean> => {
  let until = o.until
  let ties = new Set<string>()
  let whole = true
  /** A second with several events that was left behind: if anything is older, a page may have been cut within it. */
  let left: { readonly second: number; readonly ids: ReadonlySet<string> } | undefined
  const readCrowded = async (): Promise<void> => {
    if (left === undefined) return
    const { second, ids } = left
    left = undefined
    let { limit } = o
    if (ids.size >= CROWD) {
      const page = await o.ask({ ...o.filter, since: second, until: second, limit: CROWDED_LIMIT })
      if (page !== 'refused') {
        whole &&= page.whole
        limit = CROWDED_LIMIT
        if (page.events.some((e) => e.created_at === second && !ids.has(e.id))) return
      }
    }
    for (const filter of o.narrower ?? []) {
      const page = await o.ask({ ...filter, since: second, until: second, limit })
      whole &&= page !== 'refused' && page.whole
    }
  }
  for (let pages = 0; until >= o.since; pages++) {
    if (pages >= o.maxPages) return false
    const page = await o.ask({ ...o.filter, since: o.since, until, limit: o.limit })
    if (page === 'refused') return false
    whole &&= page.whole

    const inWindow = page.events.filter((e) => e.created_at >= o.since && e.created_at <= until)
    if (inWindow.length === 0) break
    await readCrowded()
    const oldest = inWindow.reduce((least, e) => Math.min(least, e.created_at), until)
    if (oldest < until) {
      until = oldest
      ties = new Set(inWindow.filter((e) => e.created_at === oldest).map((e) => e.id))
      continue
    }
    const before = ties.size
    for (const e of inWindow) ties.add(e.id)
    if (ties.size === before || ties.size > MAX_TIES) {
      if (ties.size > 1) left = { second: until, ids: ties }
      until -= 1
      ties = new Set()
    }
  }
  // With nothing older the last page may have been cut as well, if it is long enough for that.
  if (left !== undefined && left.ids.size >= CROWD) await readCrowded()
  return whole
}
