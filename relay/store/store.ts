import type { Hashes } from '../../src/core/hashes.js'
import type { UnixSec } from '../../src/core/types.js'
import { blobOfHex } from './index-keys.js'
import { openLanes } from './lanes.js'
import { openScans } from './scan.js'
import type { EntryScan, Scan } from './scan.js'
import { openDatabase } from './schema.js'
import { eventWriter } from './store-write.js'
import type { Incoming, Outcome } from './store-write.js'

/** The relay's memory: one SQLite file, one connection, one writer. Methods throw SQLite's errors when the disk fails. */
export interface EventStore {
  has(id: string): boolean
  /** The last commit's number: what is stored by now. */
  lastSeq(): number
  /** One transaction, on the disk when it returns, all or nothing. The answers are in the order of the items. */
  write(items: readonly Incoming[], now: UnixSec): Outcome[]
  readonly scan: Scan
  readonly scanEntries: EntryScan
  /** Removes some expired events and says how many. Reading never waits for it: what has expired is not served anyway. */
  removeExpired(now: UnixSec, limit: number): number
  count(): number
  close(): void
}

/** Throws a Fault('store') that says what to do. `:memory:` keeps nothing. */
export const openEventStore = (file: string, hashes: Hashes): EventStore => {
  const db = openDatabase(file)
  // Counted here rather than by SQLite, which would give the number of a removed last row to the next one.
  let last = db.prepare<[], number>('SELECT coalesce(max(seq), 0) FROM events').pluck().get() ?? 0
  let handedOut = last
  const writer = eventWriter(db, hashes, () => ++handedOut)
  const lanes = openLanes(db, hashes)
  const has = db.prepare<[Uint8Array], number>('SELECT 1 FROM events WHERE id = ?').pluck()
  const count = db.prepare<[], number>('SELECT count(*) FROM events').pluck()
  const putAll = db.transaction((items: readonly Incoming[], now: UnixSec) =>
    items.map((item) => writer.put(item, now)),
  )
  const removeExpired = db.transaction((now: UnixSec, limit: number) => writer.removeExpired(now, limit))

  return {
    has: (id) => has.get(blobOfHex(id)) !== undefined,
    lastSeq: () => last,
    write: (items, now) => {
      const outcomes = putAll.immediate(items, now)
      last = handedOut
      return outcomes
    },
    ...openScans(db, lanes),
    removeExpired: (now, limit) => removeExpired.immediate(now, limit),
    count: () => count.get() ?? 0,
    close: () => void db.close(),
  }
}
