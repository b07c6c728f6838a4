import type { Database } from 'better-sqlite3'
import type { MessageId } from '../core/types.js'
import { idBlob, toHex } from './columns.js'

/** A local order's key and what became of it: a redelivered order is sent once (delivery.md). */
export interface OrderKeys {
  readonly get: (key: string) => MessageId | undefined
  /** A known key keeps its first message. */
  readonly set: (key: string, message: MessageId) => void
}

export const createOrderKeys = (db: Database): OrderKeys => {
  const select = db.prepare<[string], Buffer>('SELECT message FROM order_keys WHERE key = ?').pluck()
  const insert = db.prepare<[string, Buffer]>('INSERT INTO order_keys VALUES (?, ?) ON CONFLICT DO NOTHING')
  return {
    get: (key) => {
      const id = select.get(key)
      return id === undefined ? undefined : toHex<MessageId>(id)
    },
    set: (key, message) => {
      insert.run(key, idBlob(message))
    },
  }
}
