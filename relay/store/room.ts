import type Database from 'better-sqlite3'

/** How much room the database takes: pages in use, and pages that are free inside the file. */
export interface Room {
  usedBytes(): number
  freeBytes(): number
  readonly pageBytes: number
  /** Whether the file can give pages back (auto_vacuum = INCREMENTAL). */
  readonly shrinks: boolean
}

const INCREMENTAL = 2

export const openRoom = (db: Database.Database): Room => {
  const pageBytes = Number(db.pragma('page_size', { simple: true }))
  const pages = db.prepare<[], number>('PRAGMA page_count').pluck()
  const free = db.prepare<[], number>('PRAGMA freelist_count').pluck()
  const freePages = (): number => free.get() ?? 0
  return {
    usedBytes: () => ((pages.get() ?? 0) - freePages()) * pageBytes,
    freeBytes: () => freePages() * pageBytes,
    pageBytes,
    shrinks: db.pragma('auto_vacuum', { simple: true }) === INCREMENTAL,
  }
}
