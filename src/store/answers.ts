import type { Database } from 'better-sqlite3'
import type { Answer } from '../core/decision.js'
import type { EventId, MessageId, Pubkey } from '../core/types.js'
import { flag, idBlob, toHex } from './columns.js'
import type { Messages } from './messages.js'

/** Whom to tell about a message, and how often we did: receipts are bounded per message and carrier. */
export interface Answers {
  readonly set: (answer: Answer) => void
  /** A receipt about `message` to `carrier` was made. */
  readonly count: (message: MessageId, carrier: Pubkey, event: EventId, confidential: boolean) => void
  readonly answered: (message: MessageId, carrier: Pubkey) => { count: number; event: EventId } | undefined
  readonly of: (message: MessageId) => Answer[]
}

export const createAnswers = (db: Database, messages: Messages): Answers => {
  const upsert = db.prepare<[number, Buffer, Buffer, number]>(
    `INSERT INTO answers VALUES (?, ?, ?, ?, 0, NULL) ON CONFLICT (message, carrier) DO UPDATE
     SET event = excluded.event, confidential = excluded.confidential`,
  )
  const countOne = db.prepare<[number, Buffer, number, Buffer]>(
    `INSERT INTO answers VALUES (?, ?, NULL, ?, 1, ?) ON CONFLICT (message, carrier) DO UPDATE
     SET receipts = receipts + 1, answered = excluded.answered`,
  )
  const select = db.prepare<[number, Buffer], { receipts: number; event: Buffer }>(
    'SELECT receipts, coalesce(answered, event) AS event FROM answers WHERE message = ? AND carrier = ?',
  )
  const selectOf = db.prepare<[number], { carrier: Buffer; event: Buffer; confidential: number }>(
    'SELECT carrier, event, confidential FROM answers WHERE message = ? AND event IS NOT NULL',
  )
  return {
    set: (a) => {
      const seq = messages.seqOf(a.message)
      if (seq === undefined) throw new Error(`an answer about a message that is not here: ${a.message}`)
      upsert.run(seq, idBlob(a.carrier), idBlob(a.event), flag(a.confidential))
    },
    count: (message, carrier, event, confidential) => {
      const seq = messages.seqOf(message)
      // What was refused is not here, and its event is marked or bounded by the rate limits.
      if (seq !== undefined) countOne.run(seq, idBlob(carrier), flag(confidential), idBlob(event))
    },
    answered: (message, carrier) => {
      const seq = messages.seqOf(message)
      const row = seq === undefined ? undefined : select.get(seq, idBlob(carrier))
      return row === undefined ? undefined : { count: row.receipts, event: toHex(row.event) }
    },
    of: (message) => {
      const seq = messages.seqOf(message)
      if (seq === undefined) return []
      return selectOf.all(seq).map((row) => ({
        message,
        carrier: toHex(row.carrier),
        event: toHex(row.event),
        confidential: row.confidential === 1,
      }))
    },
  }
}
