import type Database from 'better-sqlite3'
import { walBytesOf } from './condition.js'

/**
 * The log of commits that have not found their way into the file. SQLite works it off every so many pages, and says nothing
 * where it can't; so its length is looked at, and what is over a bound is refused rather than written without end.
 */
export interface Wal {
  /** After each commit. */
  committed(): void
  /** As of the last look. */
  readonly isTooLong: boolean
  /** A look; and in a quiet moment the log is worked off, so that a crash would leave little to read again. */
  look(): void
  /** All of it, and an empty log. Throws SQLite's error. */
  workOff(): void
}

export const MAX_WAL_BYTES = 256 * 1024 * 1024

export const openWal = (db: Database.Database, file: string, maxWalBytes: number): Wal => {
  let commits = 0
  let seen = 0
  let workedOff = 0
  let isTooLong = false

  const workOff = (): void => {
    db.pragma('wal_checkpoint(TRUNCATE)')
    workedOff = commits
  }

  return {
    committed: () => {
      commits++
    },
    get isTooLong() {
      return isTooLong
    },
    look: () => {
      const isQuiet = commits === seen
      seen = commits
      isTooLong = walBytesOf(file) > maxWalBytes
      if (isTooLong) {
        workOff()
        isTooLong = walBytesOf(file) > maxWalBytes
      } else if (isQuiet && workedOff < commits) {
        db.pragma('wal_checkpoint(PASSIVE)')
        workedOff = commits
      }
    },
    workOff,
  }
}
