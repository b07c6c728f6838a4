import type Database from 'better-sqlite3'

/**
 * NIP-09 in slices. One deletion may name thousands of events, and to take one off the disk touches every index of it. So
 * they are known as deleted at once, the first few are removed at once, and the others are hidden until upkeep.ts has
 * removed them. What is still to be removed stands in the file, so a crash only delays it.
 */
export interface Doomed {
  /** Nearly always. */
  readonly isEmpty: boolean
  has(id: Uint8Array): boolean
  /** Inside a transaction. */
  add(id: Buffer): void
  /** Yields after each event. */
  round(remove: (id: Buffer) => boolean): Generator<number, void>
  /** Reads the file again: after a transaction, whether it held or not. */
  reload(): void
}

const PAGE = 200

export const openDoomed = (db: Database.Database): Doomed => {
  const add = db.prepare<[Buffer]>('INSERT OR IGNORE INTO doomed (id) VALUES (?)')
  const has = db.prepare<[Uint8Array], number>('SELECT 1 FROM doomed WHERE id = ?').pluck()
  const page = db.prepare<[], Buffer>(`SELECT id FROM doomed LIMIT ${PAGE}`).pluck()
  const forget = db.prepare<[Buffer]>('DELETE FROM doomed WHERE id = ?')
  let isEmpty = true

  const reload = (): void => {
    isEmpty = page.get() === undefined
  }
  reload()

  return {
    get isEmpty() {
      return isEmpty
    },
    has: (id) => !isEmpty && has.get(id) !== undefined,
    add: (id) => void add.run(id),
    *round(remove) {
      for (let ids = page.all(); ids.length > 0; ids = page.all()) {
        for (const id of ids) {
          const removed = remove(id)
          forget.run(id)
          yield Number(removed)
        }
      }
    },
    reload,
  }
}
