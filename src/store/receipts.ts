import type { Database } from 'better-sqlite3'
import type { OwedReceipt, Scope } from '../core/decision.js'
import type { ReceiptStage } from '../core/envelope-types.js'
import type { RefusalCode } from '../core/refusal.js'
import type { EventId, MessageId, Pubkey, UnixMs } from '../core/types.js'
import { flag, idBlob, idBlobOrNull, present, toHex, toHexOrNull } from './columns.js'

/** Receipts that wait to be sent: at most one per (recipient, event), the latest truth. */
export interface Receipts {
  /** Answers false where a later truth about the same event is owed already. */
  readonly owe: (receipt: OwedReceipt) => boolean
  readonly due: (to: Pubkey, now: UnixMs, limit: number) => (OwedReceipt & { seq: number })[]
  readonly nextDue: (to: Pubkey) => UnixMs | undefined
  readonly owedTo: () => Pubkey[]
  readonly sent: (seqs: readonly number[]) => void
  readonly count: () => number
}

interface Row {
  readonly seq: number
  readonly recipient: Buffer
  readonly event: Buffer
  readonly ref: Buffer | null
  readonly status: OwedReceipt['status']
  readonly stage: ReceiptStage | null
  readonly code: RefusalCode | null
  readonly message: string | null
  readonly at: UnixMs
  readonly due_at: UnixMs
  readonly confidential: number
  readonly scope: Scope | null
}

const MAX_MESSAGE = 200

export const createReceipts = (db: Database): Receipts => {
  // Never used twice while the process lives, so that a `done` that took the place of a `stored` in flight is not dropped as sent.
  let lastSeq = db.prepare<[], number | null>('SELECT max(seq) FROM receipts').pluck().get() ?? 0
  const insert = db.prepare('INSERT INTO receipts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const selectSame = db.prepare<[Buffer, Buffer], { seq: number; stage: ReceiptStage | null }>(
    'SELECT seq, stage FROM receipts WHERE recipient = ? AND event = ?',
  )
  const remove = db.prepare<[number]>('DELETE FROM receipts WHERE seq = ?')
  const selectDue = db.prepare<[Buffer, number, number], Row>(
    'SELECT * FROM receipts WHERE recipient = ? AND due_at <= ? ORDER BY due_at, seq LIMIT ?',
  )
  const selectNext = db.prepare<[Buffer], UnixMs | null>('SELECT min(due_at) FROM receipts WHERE recipient = ?').pluck()
  // From one recipient to the next by the index: asked with every commit, also when 100,000 wait for a relay.
  const selectOwedTo = db
    .prepare<[], Buffer>(
      `WITH RECURSIVE owed (key) AS (
         SELECT min(recipient) FROM receipts
         UNION ALL
         SELECT (SELECT min(recipient) FROM receipts WHERE recipient > owed.key) FROM owed WHERE owed.key IS NOT NULL)
       SELECT key FROM owed WHERE key IS NOT NULL`,
    )
    .pluck()
  const countAll = db.prepare<[], number>('SELECT count(*) FROM receipts').pluck()

  return {
    owe: (r) => {
      const recipient = idBlob(r.to)
      const event = idBlob(r.event)
      const same = selectSame.get(recipient, event)
      if (same !== undefined) {
        if (r.stage === 'stored' && same.stage !== 'stored') return false
        remove.run(same.seq)
      }
      insert.run(
        ...[++lastSeq, recipient, event, idBlobOrNull(r.ref), r.status, r.stage ?? null, r.code ?? null],
        ...[r.message?.slice(0, MAX_MESSAGE) ?? null, r.at, r.dueAt, flag(r.confidential), r.scope ?? null],
      )
      return true
    },
    due: (to, now, limit) =>
      selectDue.all(idBlob(to), now, limit).map((row) =>
        present({
          seq: row.seq,
          to,
          event: toHex<EventId>(row.event),
          ref: toHexOrNull<MessageId>(row.ref),
          status: row.status,
          stage: row.stage,
          code: row.code,
          message: row.message,
          at: row.at,
          dueAt: row.due_at,
          confidential: row.confidential === 1,
          scope: row.scope,
        }),
      ),
    nextDue: (to) => selectNext.get(idBlob(to)) ?? undefined,
    owedTo: () => selectOwedTo.all().map((key) => toHex(key)),
    sent: (seqs) => {
      for (const seq of seqs) remove.run(seq)
    },
    count: () => countAll.get() ?? 0,
  }
}
