import { statSync } from 'node:fs'
import type Database from 'better-sqlite3'
import type { Log } from '../../src/ports.js'

/**
 * How the file was left. A relay that stops in order says so in the file as the last thing it does; where that mark is missing
 * there was a crash, a kill or a power cut, and the whole file is checked before anybody is served.
 */
export interface Condition {
  /** From here on, until `stopped`, the file says that a relay is at work on it. */
  started(): void
  /** Last of all. */
  stopped(): void
}

const STOPPED = 'stopped-in-order'
/** Above this the check is made table by table, so that the log shows where it is. */
const CHECKED_AT_ONCE_BYTES = 256 * 1024 * 1024

/** What has not found its way into the file yet; a stop in order leaves none. */
export const walBytesOf = (file: string): number => statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0

export const openCondition = (db: Database.Database): Condition => {
  const set = db.prepare<[number]>(
    `INSERT INTO facts (name, value) VALUES ('${STOPPED}', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
  )
  return { started: () => void set.run(0), stopped: () => void set.run(1) }
}

/** `walBytes`: before it was opened, which is all that a file of the first two schemas has to tell. */
export const wasLeftInOrder = (db: Database.Database, walBytes: number): boolean => {
  if (walBytes > 0) return false
  const hasFacts = db.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'facts'").get() !== undefined
  if (!hasFacts) return true
  const mark = db.prepare<[], number>(`SELECT value FROM facts WHERE name = '${STOPPED}'`).pluck().get()
  return mark !== 0
}

/** Every page, and every index against its table. Throws with the first thing that is wrong. */
export const checkIntegrity = (db: Database.Database, log: Log): void => {
  const began = performance.now()
  const pageBytes = Number(db.pragma('page_size', { simple: true }))
  const bytes = Number(db.pragma('page_count', { simple: true })) * pageBytes
  log.warn('unclean-stop', { bytes, doing: 'the file is checked before anybody is served' })
  if (bytes <= CHECKED_AT_ONCE_BYTES) judge(db.pragma('integrity_check(1)', { simple: true }))
  else {
    const names = db.prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all()
    for (const name of names) {
      const from = performance.now()
      judge(db.pragma(`integrity_check('${name}')`, { simple: true }))
      log.info('integrity-check-part', { table: name, ms: Math.round(performance.now() - from) })
    }
  }
  log.info('integrity-check', { ok: true, bytes, ms: Math.round(performance.now() - began) })
}

const MAX_FINDING_CHARS = 200

const judge = (finding: unknown): void => {
  if (finding === 'ok') return
  throw new Damaged(String(finding).replaceAll(/\s+/g, ' ').slice(0, MAX_FINDING_CHARS))
}

export class Damaged extends Error {}
