import type { Database } from 'better-sqlite3'
import type { MessageId, Pubkey, Road, UnixMs } from '../core/types.js'
import type { BraidReader, InboxLine } from '../ports.js'
import { present, toHex, toHexOrNull } from './columns.js'
import type { Deliveries } from './deliveries.js'

interface InboxRow {
  readonly seq: number
  readonly id: Buffer
  readonly kind: InboxLine['kind']
  readonly author: Buffer
  readonly carrier: Buffer | null
  readonly road: Road | null
  readonly confidential: number
  readonly arrived_at: UnixMs
  readonly body: string
}

/** What arrived from peers. */
export const createInbox = (db: Database, deliveries: Deliveries): Pick<BraidReader, 'inbox'> => {
  const select = db.prepare<[number, number], InboxRow>(
    `SELECT seq, id, kind, author, carrier, road, confidential, arrived_at, body FROM messages
     WHERE seq > ? AND origin = 'peer' ORDER BY seq LIMIT ?`,
  )
  return {
    inbox: ({ after = 0, limit }) =>
      select.all(after, limit).map((row) => {
        const { done, rejected } = deliveries.localStage(row.seq)
        return present({
          seq: row.seq,
          id: toHex<MessageId>(row.id),
          kind: row.kind,
          author: toHex<Pubkey>(row.author),
          carrier: toHexOrNull<Pubkey>(row.carrier),
          road: row.road,
          confidential: row.confidential === 1,
          arrivedAt: row.arrived_at,
          body: row.body,
          stage: done ? ('done' as const) : ('stored' as const),
          rejected,
        })
      }),
  }
}
