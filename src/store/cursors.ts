import type { Database } from 'better-sqlite3'

/** Where somebody stopped reading, by name. */
export interface Cursors {
  readonly get: (name: string) => string | undefined
  readonly set: (name: string, value: string) => void
}

export const createCursors = (db: Database): Cursors => {
  const select = db.prepare<[string], string>('SELECT value FROM cursors WHERE name = ?').pluck()
  const upsert = db.prepare<[string, string]>(
    'INSERT INTO cursors VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  )
  return {
    get: (name) => select.get(name),
    set: (name, value) => {
      upsert.run(name, value)
    },
  }
}
