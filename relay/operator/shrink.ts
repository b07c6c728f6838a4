import { setImmediate as nextTurn } from 'node:timers/promises'
import { Fault } from '../../src/core/fault.js'
import { openRoom } from '../store/room.js'
import type { Work } from './operation.js'

export interface Shrunk {
  readonly bytesBefore: number
  readonly bytesAfter: number
  /** The file was of a version that could not give room back while it runs; from now on it can. */
  readonly converted: boolean
}

/** Given back between two turns of the event loop. */
const PAGES_AT_ONCE = 16
const REPORT_EVERY_MS = 200

/** Online: free pages are given back, a few at a time. Offline: the file is written anew, dense and in order. */
export const shrink = async (work: Work): Promise<Shrunk> => {
  const { db, online, signal } = work
  const room = openRoom(db)
  const fileBytes = (): number => room.usedBytes() + room.freeBytes()
  const bytesBefore = fileBytes()
  if (!online) {
    const converted = !room.shrinks
    db.pragma('auto_vacuum = INCREMENTAL')
    db.exec('VACUUM')
    db.pragma('wal_checkpoint(TRUNCATE)')
    return { bytesBefore, bytesAfter: fileBytes(), converted }
  }
  if (!room.shrinks) {
    throw new Fault('relay', 'an older version made this file, which can not shrink while a relay runs: stop it first')
  }
  let reportedAt = 0
  for (let free = room.freeBytes(); free > 0;) {
    signal.throwIfAborted()
    db.pragma(`incremental_vacuum(${PAGES_AT_ONCE})`)
    const now = room.freeBytes()
    if (now >= free) break
    free = now
    if (performance.now() - reportedAt >= REPORT_EVERY_MS) {
      reportedAt = performance.now()
      await work.say({ done: bytesBefore - fileBytes(), of: bytesBefore - room.usedBytes() })
    }
    await nextTurn()
  }
  // Passive: it waits for nobody.
  db.pragma('wal_checkpoint(PASSIVE)')
  return { bytesBefore, bytesAfter: fileBytes(), converted: false }
}
