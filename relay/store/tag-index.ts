import type Database from 'better-sqlite3'
import type { Hashes } from '../../src/core/hashes.js'
import type { NostrEvent } from '../../src/core/types.js'
import { tagKeysOf } from './index-keys.js'

/**
 * The index of tags, in two parts. An event's tags point anywhere: a commit of some hundred events would write as many pages
 * of the index, and that was most of what a commit cost. So new entries go into a table in memory (`fresh_tags`), and some
 * thousand of them at once, in the order of their keys, into the file. Both are one database to SQLite: what a transaction
 * that fails has done to either is undone.
 *
 * Nothing is lost with the memory: the file says up to which event its index is whole (the fact `tagged`), and what came
 * later is read from the events themselves when the file is opened again.
 */
export interface TagIndex {
  add(event: NostrEvent, row: TagRow): void
  remove(event: NostrEvent, row: Pick<TagRow, 'id' | 'age'>): void
  /** Within a transaction: puts the fresh entries into the file, where there are enough of them. `seq`: of the last event. */
  settleMany(seq: number): void
  /** The same, however few there are. */
  settle(seq: number): void
}

export interface TagRow {
  readonly seq: number
  readonly id: Buffer
  readonly kind: number
  readonly age: number
}

/** About 100 bytes each. */
const MAX_FRESH = 8_192
const TAGGED = 'tagged'

/** Up to which event the index in the file is whole: nothing of a later number is in it, and no number is used again. */
export const lastTagged = (db: Database.Database): number =>
  db.prepare<[], number>(`SELECT value FROM facts WHERE name = '${TAGGED}'`).pluck().get() ?? 0

/** With `repair`, brings the index in the file up to the last event first. */
export const openTagIndex = (db: Database.Database, hashes: Hashes, repair: boolean): TagIndex => {
  const sql = {
    insert: db.prepare<[Buffer, number, Buffer, number, number]>(
      'INSERT INTO fresh_tags (key, age, id, kind, seq) VALUES (?, ?, ?, ?, ?)',
    ),
    removeFresh: db.prepare<[Buffer, number, Buffer]>('DELETE FROM fresh_tags WHERE key = ? AND age = ? AND id = ?'),
    remove: db.prepare<[Buffer, number, Buffer]>('DELETE FROM tags WHERE key = ? AND age = ? AND id = ?'),
    move: db.prepare('INSERT INTO tags SELECT key, age, id, kind, seq FROM fresh_tags ORDER BY key, age, id'),
    empty: db.prepare('DELETE FROM fresh_tags'),
    count: db.prepare<[], number>('SELECT count(*) FROM fresh_tags').pluck(),
    tagged: db.prepare<[number]>(
      `INSERT INTO facts (name, value) VALUES ('${TAGGED}', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    ),
    after: db.prepare<[number], TagRow & { json: string }>(
      'SELECT seq, id, kind, age, json FROM events WHERE seq > ? ORDER BY seq',
    ),
  }
  /** About how many there are: a transaction that failed is not taken back here, and that does no harm. */
  let about = 0

  const add = (event: NostrEvent, { seq, id, kind, age }: TagRow): void => {
    for (const key of tagKeysOf(event, hashes)) {
      sql.insert.run(key, age, id, kind, seq)
      about++
    }
  }

  const settle = (seq: number): void => {
    sql.move.run()
    sql.empty.run()
    sql.tagged.run(seq)
    about = 0
  }

  /** After a crash: what was in memory, from the events. */
  const mend = db.transaction(() => {
    let last = lastTagged(db)
    for (const { json, ...row } of sql.after.all(last)) {
      add(JSON.parse(json) as NostrEvent, row)
      last = row.seq
    }
    if (about > 0) settle(last)
  })
  if (repair) mend.immediate()

  return {
    add,
    remove: (event, { id, age }) => {
      for (const key of tagKeysOf(event, hashes)) {
        if (sql.removeFresh.run(key, age, id).changes === 0) sql.remove.run(key, age, id)
      }
    },
    settleMany: (seq) => {
      if (about >= MAX_FRESH) settle(seq)
    },
    settle: (seq) => {
      if (sql.count.get() !== 0) settle(seq)
    },
  }
}
