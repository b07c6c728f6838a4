import type { Database } from 'better-sqlite3'
import type { MessageId, Pubkey, Road, UnixMs, UnixSec } from '../core/types.js'
import type { StrandLine } from '../ports.js'
import { present, toHex, toHexOrNull } from './columns.js'

/** The columns that make a log line, without the body. */
export const LINE_COLUMNS = `m.seq, m.id, m.author, m.type, m.action, m.target_kor, m.source_kor, m.created_at,
  m.arrived_at, m.origin, m.carrier, m.road, m.confidential`

export interface LineRow {
  readonly seq: number
  readonly id: Buffer
  readonly author: Buffer
  readonly type: string
  readonly action: string
  readonly target_kor: string
  readonly source_kor: string
  readonly created_at: UnixSec | 0
  readonly arrived_at: UnixMs
  readonly origin: StrandLine['origin']
  readonly carrier: Buffer | null
  readonly road: Road | null
  readonly confidential: number
}

export interface StrandLines {
  readonly lineOf: (row: LineRow) => StrandLine
  /** In the body's order, here or not. */
  readonly parentsOf: (seq: number) => { id: MessageId; here: boolean }[]
}

export const createStrandLines = (db: Database): StrandLines => {
  const selectParents = db.prepare<[number, number], { id: Buffer; here: number }>(
    `SELECT m.id, 1 AS here, p.position FROM parents p JOIN messages m ON m.seq = p.parent WHERE p.child = ?
     UNION ALL SELECT parent, 0, position FROM waiting WHERE child = ? ORDER BY position`,
  )
  const parentsOf: StrandLines['parentsOf'] = (seq) =>
    selectParents.all(seq, seq).map((row) => ({ id: toHex<MessageId>(row.id), here: row.here === 1 }))
  return {
    parentsOf,
    lineOf: (row) =>
      present({
        id: toHex<MessageId>(row.id),
        author: toHex<Pubkey>(row.author),
        type: row.type,
        action: row.action,
        targetKor: row.target_kor,
        sourceKor: row.source_kor,
        createdAt: row.created_at,
        arrivedAt: row.arrived_at,
        origin: row.origin,
        carrier: toHexOrNull<Pubkey>(row.carrier),
        road: row.road,
        confidential: row.confidential === 1,
        parents: parentsOf(row.seq).map((parent) => parent.id),
      }),
  }
}
