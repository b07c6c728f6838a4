import { closeSync, fdatasync, openSync } from 'node:fs'
import { promisify } from 'node:util'
import type Database from 'better-sqlite3'
import type { Health } from './health.js'

/**
 * `synchronous = FULL` is a commit and then an fdatasync of the log of commits, for which the whole process waits: some
 * milliseconds, in which no socket is read. Here the commit is made without (NORMAL), and the same fdatasync of the same
 * file is done by another thread. Nobody is told that anything was stored before it has returned.
 */
export interface Durable {
  /** Runs a commit that does not wait for the disk itself, where `settled` can do that; and begins to do it. */
  without<T>(db: Database.Database, commit: () => T): T
  /** Resolves when all that was committed is on the disk; rejects where that can't be said. `guard` runs a write. */
  settled(guard: Health['guard']): Promise<void>
  close(): void
}

export type Flush = (fd: number) => Promise<void>

export interface DurableOptions {
  readonly flush?: Flush | undefined
  /** Works the whole log off, into a file that is flushed then. Throws where it can't. */
  readonly repair: () => void
}

export const openDurable = (file: string, { flush = promisify(fdatasync), repair }: DurableOptions): Durable => {
  const fd = file === ':memory:' ? undefined : openLog(`${file}-wal`)
  let flushing: Promise<void> = Promise.resolve()
  /** After a failure the system may take pages for written that are not: a flush that succeeds says nothing of them. */
  let isInDoubt = false

  /** Never rejects. */
  const flushLog = async (log: number): Promise<void> => {
    try {
      await flush(log)
    } catch {
      isInDoubt = true
    }
  }

  /** The other way to put all of it on the disk. */
  const clearDoubt = (): void => {
    if (!isInDoubt) return
    repair()
    isInDoubt = false
  }

  return {
    without: (db, commit) => {
      clearDoubt()
      // Where the log can't be opened, SQLite waits for the disk itself.
      if (fd === undefined) return commit()
      db.pragma('synchronous = NORMAL')
      try {
        const outcome = commit()
        flushing = flushLog(fd)
        return outcome
      } finally {
        db.pragma('synchronous = FULL')
      }
    },
    settled: async (guard) => {
      await flushing
      if (isInDoubt) guard(clearDoubt)
    },
    close: () => {
      if (fd !== undefined) closeSync(fd)
    },
  }
}

/** Undefined where it is not there, or the system lets nobody else open it. */
const openLog = (log: string): number | undefined => {
  try {
    return openSync(log, 'r+')
  } catch {
    return undefined
  }
}
