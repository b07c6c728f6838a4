import type { Database } from 'better-sqlite3'
import type { DeliveryState, EventId, MessageId, RelayUrl, Road, UnixMs } from '../core/types.js'
import type { BraidReader, OutboxLine, Transition } from '../ports.js'
import { present, toHex, toHexOrNull } from './columns.js'
import type { Destinations } from './destinations.js'

/** Deliveries for people to look at. */
export interface Outbox extends Pick<BraidReader, 'deliveries'> {
  readonly of: (message: number) => (OutboxLine & { transitions: Transition[] })[]
}

interface OutboxRow {
  readonly message: number
  readonly id: Buffer
  readonly destination: number
  readonly state: DeliveryState
  readonly due_at: UnixMs | null
  readonly tries: number
  readonly confidential: number
  readonly created_at: UnixMs
  readonly expires_at: UnixMs
  readonly code: string | null
}

interface TransitionRow {
  readonly state: DeliveryState
  readonly at: UnixMs
  readonly road: Road | null
  readonly relay: RelayUrl | null
  readonly event: Buffer | null
  readonly code: string | null
  readonly reason: string | null
}

export const createOutbox = (db: Database, destinations: Destinations): Outbox => {
  const select = (where: string): string =>
    `SELECT d.*, m.id FROM deliveries d JOIN messages m ON m.seq = d.message ${where}`
  const newest = 'ORDER BY d.message DESC, d.destination LIMIT @limit'
  const byTo = '(@to IS NULL OR d.destination = @to)'
  const all = db.prepare<[object], OutboxRow>(select(`WHERE ${byTo} ${newest}`))
  const done = db.prepare<[object], OutboxRow>(select(`WHERE d.state = 'done' AND ${byTo} ${newest}`))
  // The second condition lets SQLite use the index of what is not done: the interesting ones are few among many.
  const open = db.prepare<[object], OutboxRow>(
    select(`WHERE d.state = @state AND d.state <> 'done' AND ${byTo} ${newest}`),
  )
  const selectOf = db.prepare<[number], OutboxRow>(select('WHERE d.message = ? ORDER BY d.destination'))
  const selectSteps = db.prepare<[number, number], TransitionRow>(
    `SELECT state, at, road, relay, event, code, reason FROM transitions
     WHERE message = ? AND destination = ? ORDER BY step`,
  )

  const lineOf = (row: OutboxRow): OutboxLine =>
    present({
      message: toHex<MessageId>(row.id),
      to: destinations.nameOf(row.destination),
      state: row.state,
      tries: row.tries,
      confidential: row.confidential === 1,
      createdAt: row.created_at,
      expiresAt: row.expires_at,
      dueAt: row.due_at,
      code: row.code,
    })
  const stepOf = (row: TransitionRow): Transition => present({ ...row, event: toHexOrNull<EventId>(row.event) })

  return {
    deliveries: ({ state, to, limit }) => {
      const destination = to === undefined ? null : destinations.find(to)
      if (destination === undefined) return []
      const statement = state === undefined ? all : state === 'done' ? done : open
      return statement.all({ ...(statement === open && { state }), to: destination, limit }).map(lineOf)
    },
    of: (message) =>
      selectOf.all(message).map((row) => ({
        ...lineOf(row),
        transitions: [
          { state: 'queued' as const, at: row.created_at },
          ...selectSteps.all(message, row.destination).map(stepOf),
        ],
      })),
  }
}
