import Sqlite, { type Database } from 'better-sqlite3'
import { Fault, reasonOf } from '../core/fault.js'
import type { Undo } from './undo.js'

/**
 * The one writer. A durable commit costs an fsync whatever it holds, so callers share one: jobs queue up until the event
 * loop has handed out all that came in together, then run one after the other in one transaction, each in a savepoint of
 * its own. A job that throws is taken back and rejected alone. Promises settle after COMMIT, never before.
 *
 * The queue holds what callers are waiting for: they bound it by what they have in flight.
 */
export interface Writer {
  /** Resolves once what the job wrote is durable. `job` is sync. */
  readonly write: <T>(job: () => T) => Promise<T>
  /** Resolves when all that is queued has settled; later writes are refused with a Fault. */
  readonly close: () => Promise<void>
}

export interface WriterOptions {
  readonly undo: Undo
  /** Writes what is kept in memory until the end of a transaction. */
  readonly beforeCommit: () => void
  /** The transaction was taken back: whatever memory holds of the file may be wrong now. */
  readonly forget: () => void
  readonly maxGroup?: number
}

interface Job {
  readonly run: () => unknown
  readonly resolve: (value: unknown) => void
  readonly reject: (reason: unknown) => void
}

const MAX_GROUP = 1_000

/** A broken rule of the schema is one caller's bug; every other SQLite error is about the file, so about all of them. */
const isOfTheFile = (thrown: unknown): boolean =>
  thrown instanceof Sqlite.SqliteError && !/^SQLITE_(CONSTRAINT|ERROR|MISMATCH|RANGE|TOOBIG)/.test(thrown.code)

export const createWriter = (db: Database, options: WriterOptions): Writer => {
  const { undo, beforeCommit, forget, maxGroup = MAX_GROUP } = options
  const begin = db.prepare('BEGIN IMMEDIATE')
  const commit = db.prepare('COMMIT')
  const rollback = db.prepare('ROLLBACK')
  const savepoint = db.prepare('SAVEPOINT job')
  const release = db.prepare('RELEASE job')
  const takeBack = db.prepare('ROLLBACK TO job')

  let queue: Job[] = []
  let scheduled = false
  let closed: Promise<void> | undefined
  let onIdle: (() => void) | undefined

  const runOne = (job: Job): (() => void) => {
    savepoint.run()
    try {
      const value = job.run()
      release.run()
      undo.clear()
      return () => job.resolve(value)
    } catch (thrown) {
      undo.run()
      // Some disk errors make SQLite end the whole transaction by itself.
      if (isOfTheFile(thrown) || !db.inTransaction) throw thrown
      takeBack.run()
      release.run()
      return () => job.reject(thrown)
    }
  }

  const runGroup = (group: readonly Job[]): void => {
    const settle: (() => void)[] = []
    try {
      begin.run()
      for (const job of group) settle.push(runOne(job))
      beforeCommit()
      commit.run()
    } catch (thrown) {
      undo.clear()
      try {
        if (db.inTransaction) rollback.run()
      } finally {
        forget()
        const fault = new Fault('store', `could not write: ${reasonOf(thrown)}`, { cause: thrown })
        for (const job of group) job.reject(fault)
      }
      return
    }
    for (const done of settle) done()
  }

  const flush = (): void => {
    scheduled = false
    const group = queue.slice(0, maxGroup)
    queue = queue.slice(maxGroup)
    if (group.length > 0) runGroup(group)
    if (queue.length > 0) schedule()
    else onIdle?.()
  }

  const schedule = (): void => {
    if (scheduled) return
    scheduled = true
    setImmediate(flush)
  }

  return {
    write: <T>(job: () => T) =>
      new Promise<T>((resolve, reject) => {
        if (closed !== undefined) {
          reject(new Fault('store', 'the store is closed'))
          return
        }
        queue.push({ run: job, resolve: resolve as (value: unknown) => void, reject })
        schedule()
      }),
    close: () => {
      closed ??= new Promise<void>((resolve) => {
        onIdle = resolve
        schedule()
      })
      return closed
    },
  }
}
