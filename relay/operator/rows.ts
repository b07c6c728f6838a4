import { setImmediate as nextTurn } from 'node:timers/promises'
import { Fault } from '../../src/core/fault.js'
import type { Work } from './operation.js'

/** A stored event: its number in the order of commits, and its JSON. */
export type Row = readonly [seq: number, json: string]

const PAGE_ROWS = 200
/** Of JSON in one page: an event may have a megabyte. */
const PAGE_BYTES = 2 * 1024 * 1024

/**
 * Every event that is served to somebody now, private ones too, in the order of the commits after `after`, in pages. Each
 * page is a read of its own. `was` is the id of the event that had the number `after`: where it has not any more, the numbers
 * may have been given again, and the answer is `again`.
 */
export const rows = async (work: Work): Promise<{ readonly again: boolean }> => {
  const { after = 0, was } = work.params
  if (typeof after !== 'number' || !Number.isSafeInteger(after) || after < 0) {
    throw new Fault('relay', 'after is no number of an event')
  }
  const page = work.db
    .prepare<[number, number], [seq: number, json: string]>(
      `SELECT seq, json FROM events
       WHERE seq > ? AND (expires_at IS NULL OR expires_at > ?) ORDER BY seq LIMIT ${PAGE_ROWS}`,
    )
    .raw()
  const idOf = work.db.prepare<[number], string>('SELECT lower(hex(id)) FROM events WHERE seq = ?').pluck()
  if (typeof was === 'string' && idOf.get(after) !== was) return { again: true }

  for (let last = after; !work.signal.aborted;) {
    const now = Math.floor(Date.now() / 1_000)
    const found: Row[] = []
    let bytes = 0
    let more = false
    // Stopped early where the events are large: what was not looked at comes with the next page.
    for (const row of page.iterate(last, now)) {
      more = true
      last = row[0]
      found.push(row)
      bytes += row[1].length
      if (bytes > PAGE_BYTES) break
    }
    if (!more) return { again: false }
    // What has vanished or is banned may still be on the disk for a while.
    await work.say(found.filter(([seq]) => work.store.isServed(seq)))
    await nextTurn()
  }
  throw new Fault('relay', 'the relay stops, or nobody waits for the events any more')
}
