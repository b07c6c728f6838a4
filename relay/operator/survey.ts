import { statSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type Database from 'better-sqlite3'
import { classOf } from '../events/kind-class.js'
import type { KindClass } from '../events/kind-class.js'
import { openRoom } from '../store/room.js'
import type { Work } from './operation.js'

/** What a relay's file holds. Times are created_at, in seconds. */
export interface Survey {
  readonly events: number
  readonly classes: Readonly<Record<KindClass, number>>
  /** Most events first. */
  readonly kinds: readonly { readonly kind: number; readonly events: number }[]
  /** How many kinds are not named above. */
  readonly otherKinds: number
  readonly oldest?: number
  readonly newest?: number
  /** Numbers of the first and the last commit that are still stored. */
  readonly firstSeq?: number
  readonly lastSeq?: number
  /** Not served any more, and still on the disk. */
  readonly expired: number
  /** Requests to vanish whose events are still being taken off the disk. */
  readonly vanishing: number
  readonly tombstones: { readonly ids: number; readonly addresses: number; readonly keys: number }
  readonly file: {
    readonly bytes: number
    readonly usedBytes: number
    readonly freeBytes: number
    readonly walBytes: number
    readonly pages: number
    readonly pageBytes: number
    readonly schema: number
    /** Whether it gives room back while the relay runs. */
    readonly shrinks: boolean
  }
}

/** Index entries counted between two turns of the event loop: about a millisecond. */
const STEP = 20_000
const MAX_KINDS = 50

export const survey = async ({ db, file, signal }: Work): Promise<Survey> => {
  const kinds: { kind: number; events: number }[] = []
  const nextKind = db.prepare<[number], number | null>('SELECT min(kind) FROM events WHERE kind > ?').pluck()
  for (let kind = nextKind.get(-1) ?? null; kind !== null; kind = nextKind.get(kind) ?? null) {
    kinds.push({ kind, events: await countKind(db, kind, signal) })
  }
  const classes: Record<KindClass, number> = { regular: 0, replaceable: 0, ephemeral: 0, addressable: 0 }
  let events = 0
  for (const { kind, events: some } of kinds) {
    events += some
    classes[classOf(kind)] += some
  }
  const one = (sql: string, ...values: number[]): number | undefined =>
    db
      .prepare<number[], number | null>(sql)
      .pluck()
      .get(...values) ?? undefined
  const oldest = one('SELECT -max(age) FROM events')
  const newest = one('SELECT -min(age) FROM events')
  const firstSeq = one('SELECT min(seq) FROM events')
  const lastSeq = one('SELECT max(seq) FROM events')
  const room = openRoom(db)
  const [usedBytes, freeBytes] = [room.usedBytes(), room.freeBytes()]
  return {
    events,
    classes,
    kinds: kinds.sort((a, b) => b.events - a.events || a.kind - b.kind).slice(0, MAX_KINDS),
    otherKinds: Math.max(0, kinds.length - MAX_KINDS),
    ...(oldest === undefined ? {} : { oldest }),
    ...(newest === undefined ? {} : { newest }),
    ...(firstSeq === undefined ? {} : { firstSeq }),
    ...(lastSeq === undefined ? {} : { lastSeq }),
    expired: one('SELECT count(*) FROM events WHERE expires_at <= ?', Math.floor(Date.now() / 1_000)) ?? 0,
    vanishing: one('SELECT count(*) FROM vanishing') ?? 0,
    tombstones: {
      ids: await countTable(db, 'deleted_ids', 'id, pubkey', signal),
      addresses: await countAddresses(db, signal),
      keys: await countTable(db, 'vanished', 'pubkey', signal),
    },
    file: {
      bytes: usedBytes + freeBytes,
      usedBytes,
      freeBytes,
      walBytes: statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0,
      pages: (usedBytes + freeBytes) / room.pageBytes,
      pageBytes: room.pageBytes,
      schema: Number(db.pragma('user_version', { simple: true })),
      shrinks: room.shrinks,
    },
  }
}

/** A page at a time, by the index, so that nobody waits for a million entries. */
const countKind = async (db: Database.Database, kind: number, signal: AbortSignal): Promise<number> => {
  const at = db
    .prepare<[number, number, Buffer], [age: number, id: Buffer]>(
      `SELECT age, id FROM events WHERE kind = ? AND (age, id) > (?, ?) ORDER BY age, id LIMIT 1 OFFSET ${STEP - 1}`,
    )
    .raw()
  const rest = db
    .prepare<[number, number, Buffer], number>('SELECT count(*) FROM events WHERE kind = ? AND (age, id) > (?, ?)')
    .pluck()
  let counted = 0
  let last: [age: number, id: Buffer] = [Number.MIN_SAFE_INTEGER, Buffer.alloc(0)]
  for (;;) {
    signal.throwIfAborted()
    const next = at.get(kind, ...last)
    if (next === undefined) return counted + (rest.get(kind, ...last) ?? 0)
    counted += STEP
    last = next
    await nextTurn()
  }
}

type Table = 'deleted_ids' | 'vanished'

const countTable = async (
  db: Database.Database,
  table: Table,
  key: 'id, pubkey' | 'pubkey',
  signal: AbortSignal,
): Promise<number> => {
  const columns = key === 'pubkey' ? 1 : 2
  const marks = columns === 1 ? '?' : '(?, ?)'
  const left = columns === 1 ? key : `(${key})`
  const at = db
    .prepare<Buffer[], Buffer[]>(
      `SELECT ${key} FROM ${table} WHERE ${left} > ${marks} ORDER BY ${key} LIMIT 1 OFFSET ${STEP - 1}`,
    )
    .raw()
  const rest = db.prepare<Buffer[], number>(`SELECT count(*) FROM ${table} WHERE ${left} > ${marks}`).pluck()
  let counted = 0
  let last: Buffer[] = Array.from({ length: columns }, () => Buffer.alloc(0))
  for (;;) {
    signal.throwIfAborted()
    const next = at.get(...last)
    if (next === undefined) return counted + (rest.get(...last) ?? 0)
    counted += STEP
    last = next
    await nextTurn()
  }
}

/** Addresses of which versions are deleted. */
const countAddresses = async (db: Database.Database, signal: AbortSignal): Promise<number> => {
  const at = db
    .prepare<[Buffer], Buffer>(`SELECT slot FROM slots WHERE slot > ? ORDER BY slot LIMIT 1 OFFSET ${STEP - 1}`)
    .pluck()
  const between = db
    .prepare<[Buffer, Buffer], number>(
      'SELECT count(*) FROM slots WHERE slot > ? AND slot <= ? AND deleted_until IS NOT NULL',
    )
    .pluck()
  const rest = db
    .prepare<[Buffer], number>('SELECT count(*) FROM slots WHERE slot > ? AND deleted_until IS NOT NULL')
    .pluck()
  let counted = 0
  let last = Buffer.alloc(0)
  for (;;) {
    signal.throwIfAborted()
    const next = at.get(last)
    if (next === undefined) return counted + (rest.get(last) ?? 0)
    counted += between.get(last, next) ?? 0
    last = Buffer.from(next)
    await nextTurn()
  }
}
