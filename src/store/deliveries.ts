import type { Database } from 'better-sqlite3'
import type { Move, Owed, View } from '../core/decision.js'
import { isFinal, mayMove } from '../core/delivery.js'
import type { DeliveryState, Destination, EventId, MessageId, UnixMs } from '../core/types.js'
import type { Delivery } from '../ports.js'
import { flag, idBlob, idBlobOrNull, present, toHex } from './columns.js'
import type { Counters } from './counters.js'
import type { Destinations } from './destinations.js'
import type { Messages } from './messages.js'

/** The queue: what is owed to whom, one row per (message, destination), one transitions row per step (delivery.md). */
export interface Deliveries {
  /** A delivery that exists is left as it is. */
  readonly owe: (owed: Owed, now: UnixMs) => void
  /** Applied where the state machine allows it; an event that was sent is remembered either way. */
  readonly move: (move: Move) => void
  readonly get: (message: MessageId, to: Destination) => ReturnType<View['delivery']>
  readonly sent: (event: EventId) => { message: MessageId; to: Destination } | undefined
  readonly due: (to: Destination, now: UnixMs, limit: number) => Delivery[]
  readonly nextDue: (to: Destination, after?: UnixMs) => UnixMs | undefined
  /** Answers how many were brought forward, at most HASTEN_BATCH: a call costs no more than so much time. */
  readonly hasten: (to: Destination, now: UnixMs, fromMs: number, withinMs: number) => number
  readonly owedTo: () => Destination[]
  /** Every delivery of a message. */
  readonly of: (message: MessageId) => { to: Destination; state: DeliveryState; code?: string }[]
  /** Of the local ports: whether every delivery to them is final, and whether one of them said no. */
  readonly localStage: (message: number) => { done: boolean; rejected: boolean }
}

interface Row {
  readonly state: DeliveryState
  readonly tries: number
  readonly steps: number
  readonly confidential: number
  readonly created_at: UnixMs
  readonly expires_at: UnixMs
}

interface DueRow extends Row {
  readonly id: Buffer
}

const MAX_REASON = 200
export const HASTEN_BATCH = 5_000
/** Before any time there is. */
const EVER = Number.MIN_SAFE_INTEGER as UnixMs

export const createDeliveries = (
  db: Database,
  messages: Messages,
  destinations: Destinations,
  counters: Counters,
): Deliveries => {
  const insert = db.prepare<[number, number, number, number, number, number]>(
    `INSERT INTO deliveries (message, destination, state, due_at, tries, steps, confidential, created_at, expires_at)
     VALUES (?, ?, 'queued', ?, 0, 0, ?, ?, ?) ON CONFLICT (message, destination) DO NOTHING`,
  )
  const select = db.prepare<[number, number], Row>(
    'SELECT state, tries, steps, confidential, created_at, expires_at FROM deliveries WHERE message = ? AND destination = ?',
  )
  const update = db.prepare<[string, number | null, number, number, string | null, number, number, number]>(
    `UPDATE deliveries SET state = ?, due_at = ?, tries = tries + ?, steps = ?, code = ?, expires_at = ?
     WHERE message = ? AND destination = ?`,
  )
  const addStep = db.prepare('INSERT INTO transitions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
  const addSent = db.prepare<[Buffer, number, number]>('INSERT INTO sent VALUES (?, ?, ?) ON CONFLICT DO NOTHING')
  const selectSent = db.prepare<[Buffer], { id: Buffer; destination: number }>(
    'SELECT m.id, s.destination FROM sent s JOIN messages m ON m.seq = s.message WHERE s.event = ?',
  )
  const selectDue = db.prepare<[number, number, number], DueRow>(
    `SELECT m.id, d.state, d.steps, d.tries, d.confidential, d.created_at, d.expires_at
     FROM deliveries d JOIN messages m ON m.seq = d.message
     WHERE d.destination = ? AND d.due_at <= ? ORDER BY d.due_at, d.message LIMIT ?`,
  )
  const selectNext = db
    .prepare<[number, number], UnixMs | null>(
      'SELECT min(due_at) FROM deliveries WHERE destination = ? AND due_at > ? AND due_at IS NOT NULL',
    )
    .pluck()
  // Each wait is shortened in proportion, so that what was spread over hours does not come at once.
  const hastenSome = db.prepare<[{ to: number; now: number; from: number; within: number }]>(
    `UPDATE deliveries SET due_at = CAST(@now + min(due_at - @now, @from) * @within / @from AS INTEGER)
     WHERE (message, destination) IN (SELECT message, destination FROM deliveries
       WHERE destination = @to AND due_at > @now + @within LIMIT ${HASTEN_BATCH})`,
  )
  const selectOwedTo = db
    .prepare<[], Destination>(
      `SELECT name FROM destinations t WHERE EXISTS
         (SELECT 1 FROM deliveries d WHERE d.destination = t.id AND d.due_at IS NOT NULL) ORDER BY id`,
    )
    .pluck()
  const selectOf = db.prepare<[number], { destination: number; state: DeliveryState; code: string | null }>(
    'SELECT destination, state, code FROM deliveries WHERE message = ?',
  )

  const step = (m: Move, seq: number, destination: number, row: Row): void => {
    const steps = row.steps + 1
    // Kept by the operator's wish: it gets a whole lifetime again, or the first look at it would end it.
    const again = m.state === 'queued' && m.code === 'operator'
    const expiresAt = again ? m.at + (row.expires_at - row.created_at) : row.expires_at
    const tries = m.try === true ? 1 : 0
    update.run(m.state, dueAt(m), tries, steps, m.code ?? null, safe(expiresAt), seq, destination)
    addStep.run(
      ...[seq, destination, steps, m.state, m.at, m.road ?? null, m.relay ?? null, idBlobOrNull(m.event)],
      ...[m.code ?? null, m.reason?.slice(0, MAX_REASON) ?? null],
    )
    counters.add(`delivery:${row.state}`, -1)
    counters.add(`delivery:${m.state}`, 1)
  }

  return {
    owe: (o, now) => {
      const seq = messages.seqOf(o.message)
      if (seq === undefined) throw new Error(`a delivery of a message that is not here: ${o.message}`)
      const destination = destinations.findOrMake(o.to)
      const { changes } = insert.run(seq, destination, o.dueAt, flag(o.confidential), now, o.expiresAt)
      if (changes === 1) counters.add('delivery:queued', 1)
    },
    move: (m) => {
      const seq = messages.seqOf(m.message)
      const destination = destinations.find(m.to)
      if (seq === undefined || destination === undefined) return
      const row = select.get(seq, destination)
      if (row === undefined) return
      if (m.sent === true && m.event !== undefined) addSent.run(idBlob(m.event), seq, destination)
      if (mayMove(row.state, m.state) && !takesBack(row.state, m)) step(m, seq, destination, row)
    },
    get: (message, to) => {
      const seq = messages.seqOf(message)
      const destination = destinations.find(to)
      const row = seq === undefined || destination === undefined ? undefined : select.get(seq, destination)
      return row === undefined
        ? undefined
        : { state: row.state, confidential: row.confidential === 1, tries: row.tries }
    },
    sent: (event) => {
      const row = selectSent.get(idBlob(event))
      return row === undefined ? undefined : { message: toHex(row.id), to: destinations.nameOf(row.destination) }
    },
    due: (to, now, limit) => {
      const destination = destinations.find(to)
      if (destination === undefined) return []
      return selectDue.all(destination, now, limit).map((row) => ({
        message: toHex(row.id),
        to,
        state: row.state,
        tries: row.tries,
        confidential: row.confidential === 1,
        createdAt: row.created_at,
        expiresAt: row.expires_at,
      }))
    },
    nextDue: (to, after = EVER) => {
      const destination = destinations.find(to)
      return destination === undefined ? undefined : (selectNext.get(destination, after) ?? undefined)
    },
    hasten: (to, now, fromMs, withinMs) => {
      const destination = destinations.find(to)
      if (destination === undefined || fromMs <= withinMs) return 0
      return hastenSome.run({ to: destination, now, from: fromMs, within: withinMs }).changes
    },
    owedTo: () => selectOwedTo.all(),
    of: (message) => {
      const seq = messages.seqOf(message)
      const rows = seq === undefined ? [] : selectOf.all(seq)
      return rows.map((row) => present({ to: destinations.nameOf(row.destination), state: row.state, code: row.code }))
    },
    localStage: (message) => {
      const local = selectOf.all(message).filter((d) => destinations.nameOf(d.destination).startsWith('port:'))
      return {
        done: local.every((d) => isFinal(d.state)),
        rejected: local.some((d) => d.state === 'dead' && d.code === 'local-rejected'),
      }
    },
  }
}

/** What a peer stored, only a reason can end. */
const takesBack = (from: DeliveryState, m: Move): boolean =>
  from === 'peer-stored' && m.state === 'dead' && m.code === undefined

/** `done` and `dead` need nothing more. What waits for a try must be tried some time, also when no time is given. */
const dueAt = (m: Move): number | null => {
  if (isFinal(m.state)) return null
  return m.retryAt ?? (m.state === 'queued' || m.state === 'retrying' ? m.at : null)
}

const safe = (ms: number): number => Math.min(ms, Number.MAX_SAFE_INTEGER)
