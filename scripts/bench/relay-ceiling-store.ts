import Database from 'better-sqlite3'
import type { NostrEvent } from '../../src/core/types.js'

/** The least that a relay's store has: the event as it is served, one index for authors, one for tags. */
export interface CeilingStore {
  /** One transaction, on the disk when it returns. */
  write(events: readonly NostrEvent[]): void
  close(): void
}

export const openCeilingStore = (file: string): CeilingStore => {
  const db = new Database(file)
  db.pragma('locking_mode = EXCLUSIVE')
  db.pragma('journal_mode = WAL')
  db.pragma('synchronous = FULL')
  db.exec(`
    CREATE TABLE IF NOT EXISTS events (
      seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, pubkey BLOB NOT NULL, kind INTEGER NOT NULL,
      created_at INTEGER NOT NULL, json TEXT NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS events_by_author_kind ON events (pubkey, kind, created_at);
    CREATE TABLE IF NOT EXISTS tags (
      key BLOB NOT NULL, created_at INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (key, created_at, seq)
    ) STRICT, WITHOUT ROWID;
  `)
  const insert = db.prepare<[Buffer, Buffer, number, number, string]>(
    'INSERT OR IGNORE INTO events (id, pubkey, kind, created_at, json) VALUES (?, ?, ?, ?, ?)',
  )
  const insertTag = db.prepare<[Buffer, number, number | bigint]>('INSERT INTO tags VALUES (?, ?, ?)')
  const writeAll = db.transaction((events: readonly NostrEvent[]) => {
    for (const event of events) {
      const { created_at: at, kind } = event
      const [id, pubkey] = [Buffer.from(event.id, 'hex'), Buffer.from(event.pubkey, 'hex')]
      const { changes, lastInsertRowid } = insert.run(id, pubkey, kind, at, JSON.stringify(event))
      if (changes === 0) continue
      for (const [name, value] of event.tags) {
        if (name?.length === 1) insertTag.run(Buffer.from(`${name}${value ?? ''}`), at, lastInsertRowid)
      }
    }
  })
  return {
    write: (events) => writeAll(events),
    close: () => {
      db.close()
    },
  }
}
