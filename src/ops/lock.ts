import { closeSync, openSync } from 'node:fs'
import Database from 'better-sqlite3'

/**
 * One bridge a data folder. The lock is SQLite's own file lock on an empty database: the kernel lets go of it however the
 * process ends, so there is no stale lock after kill -9 and no guessing by process id.
 */
export interface Lock {
  release(): void
}

/** Undefined where another process holds it. Throws where the file can't be opened. */
export const takeLock = (file: string): Lock | undefined => {
  closeSync(openSync(file, 'a', 0o600))
  const db = new Database(file, { timeout: 0 })
  try {
    db.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    db.close()
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY')) return undefined
    throw error
  }
  return {
    release: () => {
      db.exec('ROLLBACK')
      db.close()
    },
  }
}
