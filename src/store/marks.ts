import type { Database } from 'better-sqlite3'
import type { Mark } from '../core/decision.js'
import type { RefusalCode } from '../core/refusal.js'
import type { EventId } from '../core/types.js'
import { idBlob, present } from './columns.js'

/** Event and rumor ids seen, kept for ever: the dedupe that does not depend on memory or on how long a relay keeps things. */
export interface Marks {
  readonly get: (id: EventId) => Mark | undefined
  readonly set: (mark: Mark) => void
}

export const createMarks = (db: Database): Marks => {
  const select = db.prepare<[Buffer], { code: RefusalCode | null; generation: number | null }>(
    'SELECT code, generation FROM marks WHERE id = ?',
  )
  // Only what was refused under some configuration can be judged anew; taken and hopeless are final.
  const upsert = db.prepare<[Buffer, string | null, number | null]>(
    `INSERT INTO marks VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE
     SET code = excluded.code, generation = excluded.generation WHERE generation IS NOT NULL`,
  )
  return {
    get: (id) => {
      const row = select.get(idBlob(id))
      return row === undefined ? undefined : present({ id, code: row.code, generation: row.generation })
    },
    set: (mark) => {
      upsert.run(idBlob(mark.id), mark.code ?? null, mark.generation ?? null)
    },
  }
}
