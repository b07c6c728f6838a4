import type Database from 'better-sqlite3'
import type { Log } from '../../src/ports.js'
import type { Room } from './room.js'

/** Gives pages that are free inside the file back to the disk, a few at a time. Some stay: the next events need them. */

const BEGIN_SHARE = 0.05
const END_SHARE = 0.02
/** Less is not worth the work. */
const MIN_FREE_BYTES = 1024 * 1024
const PAGES_AT_ONCE = 8

export function* vacuumRound(db: Database.Database, room: Room, log: Log): Generator<number, void> {
  const before = room.freeBytes()
  const fileBytes = room.usedBytes() + before
  if (before < Math.max(MIN_FREE_BYTES, fileBytes * BEGIN_SHARE)) return
  const enough = fileBytes * END_SHARE
  let free = before
  while (free > enough) {
    db.pragma(`incremental_vacuum(${PAGES_AT_ONCE})`)
    yield 0
    const now = room.freeBytes()
    if (now >= free) break
    free = now
  }
  log.info('file-shrunk', { freedBytes: fileBytes - room.usedBytes() - room.freeBytes(), fileBytes })
}
