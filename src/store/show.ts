import type { Database } from 'better-sqlite3'
import type { KnownMessage, View } from '../core/decision.js'
import type { EventId, MessageId, Pubkey, UnixMs } from '../core/types.js'
import type { BraidReader, Message, MessageDetails } from '../ports.js'
import { idBlob, present, toHex } from './columns.js'
import type { Outbox } from './outbox.js'
import { LINE_COLUMNS, type LineRow, type StrandLines } from './strand-lines.js'
import type { Tables } from './tables.js'

type ShowRow = LineRow & {
  readonly kind: Message['kind']
  readonly task_id: string | null
  readonly arrived_at: UnixMs
}

const MAX_CHILDREN_SHOWN = 1_000

/** All that is known of one message, as of one moment. */
export const createShow = (
  db: Database,
  tables: Tables,
  view: View,
  lines: StrandLines,
  outbox: Outbox,
): Pick<BraidReader, 'show'> => {
  const select = db.prepare<[Buffer], ShowRow>(
    `SELECT ${LINE_COLUMNS}, m.kind, m.task_id FROM messages m WHERE m.id = ?`,
  )
  const selectChildren = db
    .prepare<[number], Buffer>(
      `SELECT m.id FROM parents p JOIN messages m ON m.seq = p.child WHERE p.parent = ?
       ORDER BY p.child LIMIT ${MAX_CHILDREN_SHOWN}`,
    )
    .pluck()
  const selectAnswers = db.prepare<[number], { carrier: Buffer; event: Buffer; receipts: number }>(
    'SELECT carrier, coalesce(answered, event) AS event, receipts FROM answers WHERE message = ?',
  )

  const details = (row: ShowRow, message: Message, known: KnownMessage): MessageDetails =>
    present({
      message,
      known,
      arrivedAt: row.arrived_at,
      strand: row.kind === 'strand' ? lines.lineOf(row) : null,
      taskId: row.task_id,
      parents: lines.parentsOf(row.seq),
      children: selectChildren.all(row.seq).map((id) => toHex<MessageId>(id)),
      deliveries: outbox.of(row.seq),
      answers: selectAnswers.all(row.seq).map((answer) => ({
        carrier: toHex<Pubkey>(answer.carrier),
        event: toHex<EventId>(answer.event),
        receipts: answer.receipts,
      })),
    })

  const show = db.transaction((id: MessageId) => {
    const row = select.get(idBlob(id))
    const message = tables.messages.load(id)
    const known = view.message(id)
    return row === undefined || message === undefined || known === undefined ? undefined : details(row, message, known)
  })
  return { show: (id) => show(id) }
}
