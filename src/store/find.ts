import type { Database } from 'better-sqlite3'
import type { MessageId } from '../core/types.js'
import type { BraidReader } from '../ports.js'
import { idBlob, toHex } from './columns.js'

/** Messages by the beginning of their id, as people type them. A range of the id's own index: it costs the same at any size. */
export const createFind = (db: Database): Pick<BraidReader, 'find'> => {
  const select = db
    .prepare<[Buffer, Buffer, number], Buffer>('SELECT id FROM messages WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?')
    .pluck()
  return {
    find: (start, limit) => {
      if (!/^[0-9a-f]{0,64}$/.test(start)) return []
      const [first, last] = [idBlob(start.padEnd(64, '0')), idBlob(start.padEnd(64, 'f'))]
      return select.all(first, last, limit).map((id) => toHex<MessageId>(id))
    },
  }
}
