import { MAX_JSON_DEPTH } from '../core/canonical.js'
import { isDeeper } from '../core/depth.js'
import { Fault } from '../core/fault.js'
import type { JsonObject, MessageId } from '../core/types.js'
import type { Log } from '../ports.js'
import type { KapnetdCalls } from './kapnetd-calls.js'

/**
 * How TXXMs that were made on this host come in. The daemon's notifications have no acknowledgement, so nothing depends on
 * them: its ids are paged in the order in which they came, from a cursor that is kept, and what our braid does not hold
 * is fetched and handed on. The cursor moves only when all of that is durable, so a crash repeats and never skips; what
 * is repeated is in our braid by then, and is not fetched again.
 */
export interface PagesOptions {
  readonly calls: KapnetdCalls
  readonly log: Log
  readonly cursor: () => string | undefined
  readonly setCursor: (value: string) => Promise<void>
  readonly missing: (ids: readonly MessageId[]) => readonly MessageId[]
  readonly intake: (items: { readonly id: MessageId; readonly body: JsonObject }[]) => Promise<void>
}

const PAGE_IDS = 512
/** Bodies held at once; the client's window is larger, so that deliveries get through beside them. */
const FETCH_TOGETHER = 32

/** Resolves when everything that the daemon holds now is here. Rejects with a Fault when the daemon or the store is away. */
export const readPages = async (o: PagesOptions, signal: AbortSignal): Promise<void> => {
  let after = o.cursor()
  let restarted = false
  while (!signal.aborted) {
    const page = await o.calls.page(after, PAGE_IDS)
    if (page === undefined) {
      // Another daemon, or its file is a new one: from the start, once. What we hold is passed over.
      if (restarted) throw new Fault('kapnetd', 'it does not know the cursor that it gave')
      restarted = true
      o.log.warn('kapnetd.cursor.unknown', { after })
      after = undefined
      continue
    }
    const missing = o.missing(page.ids)
    for (let at = 0; at < missing.length; at += FETCH_TOGETHER) {
      await takeIn(missing.slice(at, at + FETCH_TOGETHER), o)
    }
    const last = page.next ?? page.ids.at(-1)
    if (last !== undefined) await o.setCursor(last)
    if (page.next === undefined) return
    after = page.next
  }
}

const takeIn = async (ids: readonly MessageId[], { calls, log, intake }: PagesOptions): Promise<void> => {
  const made: { id: MessageId; body: JsonObject }[] = []
  const fetched = await Promise.all(ids.map(async (id) => ({ id, held: await calls.get(id) })))
  for (const { id, held } of fetched) {
    // One that can't be had must not keep back those behind it.
    if (held === undefined) log.warn('kapnetd.txxm.gone', { id })
    else if (held.origin === 'bridge') continue
    else if (isDeeper(held.body, MAX_JSON_DEPTH)) log.warn('kapnetd.txxm.refused', { id, code: 'bad-json' })
    else made.push({ id, body: held.body })
  }
  if (made.length > 0) await intake(made)
}
