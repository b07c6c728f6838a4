import type { Database } from 'better-sqlite3'
import type { NewRow, NewStrand } from '../core/decision.js'
import type { Attestation } from '../core/envelope-types.js'
import type { MessageId, NostrEvent, Pubkey, Signature, UnixMs, UnixSec } from '../core/types.js'
import type { Message } from '../ports.js'
import { flag, idBlob, idBlobOrNull, present, signatureBlob, toHex } from './columns.js'
import type { Undo } from './undo.js'

/** Everything that has a body: strands, tasks and results. */
export interface Messages {
  /** The message's seq, and whether it is new. A known id changes nothing. */
  readonly insertStrand: (strand: NewStrand, now: UnixMs) => Inserted
  readonly insertRow: (row: NewRow, now: UnixMs) => Inserted
  readonly seqOf: (id: MessageId) => number | undefined
  readonly strandSeq: (id: MessageId) => number | undefined
  readonly head: (id: MessageId) => Head | undefined
  readonly task: (sender: Pubkey, taskId: string) => MessageId | undefined
  readonly load: (id: MessageId) => Message | undefined
  readonly forget: () => void
}

export interface Inserted {
  readonly seq: number
  readonly fresh: boolean
}

export interface Head {
  readonly seq: number
  readonly author: Pubkey
  readonly kind: Message['kind']
}

interface MessageRow {
  readonly id: Buffer
  readonly kind: Message['kind']
  readonly author: Buffer
  readonly body: string
  readonly event: string | null
  readonly confidential: number
  readonly valid_until: UnixSec | null
}

export interface AttestationRow {
  readonly attestation_key: Buffer | null
  readonly attestation_at: number | null
  readonly attestation_sig: Buffer | null
}

export const attestationOfRow = (row: AttestationRow): Attestation | null => {
  const { attestation_key: key, attestation_at: at, attestation_sig: sig } = row
  if (key === null || at === null || sig === null) return null
  return { pubkey: toHex<Pubkey>(key), created_at: at as UnixSec, sig: toHex<Signature>(sig) }
}

export const eventOfColumn = (event: string | null): NostrEvent | null =>
  event === null ? null : (JSON.parse(event) as NostrEvent)

const INSERT = `
INSERT INTO messages (id, kind, author, created_at, valid_until, confidential, origin, carrier, road, arrived_at,
  type, action, target_kor, source_kor, task_id, attestation_key, attestation_at, attestation_sig, body, event)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO NOTHING`

const attestationColumns = (a: Attestation | undefined): [Buffer | null, number | null, Buffer | null] =>
  a === undefined ? [null, null, null] : [idBlob(a.pubkey), a.created_at, signatureBlob(a.sig)]

export const createMessages = (db: Database, undo: Undo): Messages => {
  // The message that was written last: the rest of its decision asks for its seq again and again.
  let last: { readonly id: MessageId; readonly seq: number } | undefined
  const forget = (): void => {
    last = undefined
  }

  const insert = db.prepare(INSERT)
  const selectSeq = db.prepare<[Buffer], number>('SELECT seq FROM messages WHERE id = ?').pluck()
  const selectHead = db.prepare<[Buffer], { seq: number; author: Buffer; kind: Message['kind'] }>(
    'SELECT seq, author, kind FROM messages WHERE id = ?',
  )
  const selectTask = db
    .prepare<[Buffer, string], Buffer>(`SELECT id FROM messages WHERE author = ? AND task_id = ? AND kind = 'task'`)
    .pluck()
  const selectMessage = db.prepare<[Buffer], MessageRow & AttestationRow>(
    `SELECT id, kind, author, body, event, confidential, valid_until, attestation_key, attestation_at, attestation_sig
     FROM messages WHERE id = ?`,
  )

  const inserted = (id: MessageId, blob: Buffer, values: unknown[]): Inserted => {
    const { changes, lastInsertRowid } = insert.run(values)
    if (changes === 1) {
      last = { id, seq: Number(lastInsertRowid) }
      undo.add(forget)
      return { seq: last.seq, fresh: true }
    }
    const seq = selectSeq.get(blob)
    if (seq === undefined) throw new Error('a message is neither new nor known')
    return { seq, fresh: false }
  }

  return {
    insertStrand: (s, now) => {
      const id = idBlob(s.id)
      return inserted(s.id, id, [
        ...[id, 'strand', idBlob(s.author), s.createdAt, s.validUntil ?? null, flag(s.confidential), s.origin],
        ...[idBlobOrNull(s.carrier), s.road ?? null, now, s.type, s.action, s.targetKor, s.sourceKor, null],
        ...attestationColumns(s.attestation),
        ...[s.body, s.event === undefined ? null : JSON.stringify(s.event)],
      ])
    },
    insertRow: (r, now) => {
      const id = idBlob(r.id)
      return inserted(r.id, id, [
        ...[id, r.kind, idBlob(r.author), 0, null, flag(r.confidential), r.origin],
        ...[null, null, now, null, null, null, null, r.taskId],
        ...attestationColumns(r.attestation),
        ...[r.body, null],
      ])
    },
    seqOf: (id) => (last?.id === id ? last.seq : selectSeq.get(idBlob(id))),
    forget,
    strandSeq: (id) => {
      const head = selectHead.get(idBlob(id))
      return head?.kind === 'strand' ? head.seq : undefined
    },
    head: (id) => {
      const row = selectHead.get(idBlob(id))
      return row === undefined ? undefined : { seq: row.seq, author: toHex<Pubkey>(row.author), kind: row.kind }
    },
    task: (sender, taskId) => {
      const id = selectTask.get(idBlob(sender), taskId)
      return id === undefined ? undefined : toHex<MessageId>(id)
    },
    load: (id) => {
      const row = selectMessage.get(idBlob(id))
      if (row === undefined) return undefined
      return present({
        id,
        kind: row.kind,
        author: toHex<Pubkey>(row.author),
        body: row.body,
        attestation: attestationOfRow(row),
        event: eventOfColumn(row.event),
        confidential: row.confidential === 1,
        validUntil: row.valid_until,
      })
    },
  }
}
