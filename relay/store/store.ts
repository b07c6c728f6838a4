import { reasonOf } from '../../src/core/fault.js'
import type Database from 'better-sqlite3'
import type { Hashes } from '../../src/core/hashes.js'
import { toSec } from '../../src/core/types.js'
import type { NostrEvent, UnixMs, UnixSec } from '../../src/core/types.js'
import type { Log } from '../../src/ports.js'
import { DELETION, VANISH } from '../events/kind-class.js'
import { silentLog } from '../log.js'
import { openBans } from './bans.js'
import { storeChores } from './chores.js'
import type { RemovalReason } from './chores.js'
import { openCondition } from './condition.js'
import { openDoomed } from './doomed.js'
import { HIGH_WATER } from './evict-by-size.js'
import { openDurable } from './durable.js'
import type { Flush } from './durable.js'
import { openFloors } from './floors.js'
import { openHealth, WalTooLong } from './health.js'
import type { Health } from './health.js'
import { blobOfHex } from './index-keys.js'
import { openLanes } from './lanes.js'
import { openModeration } from './moderation.js'
import type { Moderation } from './moderation.js'
import { openScans } from './scan.js'
import type { AnswerScan, EntryScan, Scan } from './scan.js'
import { openRetention } from './retention.js'
import type { Retention } from './retention.js'
import type { RetentionRules } from './retention-rules.js'
import { openRoom } from './room.js'
import { openDatabase } from './schema.js'
import { eventWriter } from './store-write.js'
import type { Incoming, Outcome } from './store-write.js'
import { lastTagged, openTagIndex } from './tag-index.js'
import type { Chore } from './upkeep.js'
import { openVanishing } from './vanishing.js'
import { MAX_WAL_BYTES, openWal } from './wal.js'

/** The relay's memory: one SQLite file, one connection, one writer. Methods throw SQLite's errors when the disk fails. */
export interface EventStore {
  has(id: string): boolean
  /** The last commit's number: what is stored by now. */
  lastSeq(): number
  /** One transaction, on the disk when it returns, all or nothing. The answers are in the order of the items. */
  write(items: readonly Incoming[], now: UnixSec): Outcome[]
  /** The same, but it waits for the disk without holding up the event loop. One at a time. */
  commit(items: readonly Incoming[], now: UnixSec): Promise<Outcome[]>
  /** Resolves when all that was committed is on the disk: until then `has` may tell of what a power cut would undo. */
  settled(): Promise<void>
  readonly scan: Scan
  readonly scanEntries: EntryScan
  /** The stored part of a REQ. */
  readonly answer: AnswerScan
  /** Removes some expired events and says how many. Reading never waits for it: what has expired is not served anyway. */
  removeExpired(now: UnixSec, limit: number): number
  count(): number
  /** Whether what was committed as this number is still served: not deleted, replaced or vanished meanwhile. */
  isServed(seq: number): boolean
  /**
   * How many requests to vanish were obeyed, and bans spoken: what was gathered under another number may hold what is gone
   * since.
   */
  vanishCount(): number
  /** What is not taken in because it would be taken away again. */
  readonly retention: Retention
  /** NIP-86: what admins decided, and to decide it. What is banned is hidden when these return, and stays so. */
  readonly moderation: Moderation
  readonly banKey: (key: string, note: string) => boolean
  readonly banEvent: (id: string, note: string) => boolean
  readonly health: Pick<Health, 'writable' | 'reason'>
  /** For `startUpkeep`. */
  readonly chores: readonly Chore[]
  /** For what an operator asks for (operator/): copies, counts and the like. Nothing else may use it. */
  readonly database: Database.Database
  close(): void
}

export interface StoreOptions {
  readonly log?: Log
  /** False: a damaged file is opened too, to save what can be read. Default true. */
  readonly check?: boolean
  /** Default: none, everything is kept. */
  readonly rules?: RetentionRules
  /** Pages in use. Absent: any number. */
  readonly maxDbBytes?: number
  /** What may wait in the log of commits where the file takes nothing. Default 256 MiB. */
  readonly maxWalBytes?: number
  readonly now?: () => UnixSec
  /** What puts a file's data on the disk. Default: the system's fdatasync. */
  readonly flush?: Flush
  readonly onRemoved?: (reason: RemovalReason, events: number) => void
  readonly onWritable?: (writable: boolean) => void
}

/** Throws a Fault('store') that says what to do. `:memory:` keeps nothing. */
export const openEventStore = (file: string, hashes: Hashes, options: StoreOptions = {}): EventStore => {
  const { log = silentLog, check = true, rules = [], maxDbBytes, onRemoved = () => undefined } = options
  const now = options.now ?? (() => toSec(Date.now() as UnixMs))
  const db = openDatabase(file, { log, check })
  // Counted here rather than by SQLite, which would give the number of a removed last row to the next one.
  const highest = db.prepare<[], number>('SELECT coalesce(max(seq), 0) FROM events').pluck().get() ?? 0
  let last = Math.max(highest, lastTagged(db))
  let handedOut = last
  const tagIndex = openTagIndex(db, hashes, check)
  const settleTags = (): void => tagIndex.settle(handedOut)
  const vanishing = openVanishing(db, hashes, settleTags)
  const doomed = openDoomed(db)
  const writer = eventWriter(db, hashes, () => ++handedOut, tagIndex, vanishing, doomed)
  const lanes = openLanes(db, hashes)
  const health = openHealth(log, options.onWritable)
  const wal = openWal(db, file, options.maxWalBytes ?? MAX_WAL_BYTES)
  const durable = openDurable(file, { flush: options.flush, repair: wal.workOff })
  const room = openRoom(db)
  const floors = openFloors(db, { rules, ...(maxDbBytes === undefined ? {} : { maxDbBytes }) })
  const condition = openCondition(db)
  const has = db.prepare<[Uint8Array], number>('SELECT 1 FROM events WHERE id = ?').pluck()
  const jsonOfId = db.prepare<[Uint8Array], string>('SELECT json FROM events WHERE id = ?').pluck()
  const jsonOfSeq = db.prepare<[number], string>('SELECT json FROM events WHERE seq = ?').pluck()
  const count = db.prepare<[], number>('SELECT count(*) FROM events').pluck()
  const moderation = openModeration(db)
  const bans = openBans(db, moderation, writer.remove, (events) => onRemoved('banned', events))
  const hidden = {
    get isEmpty() {
      return vanishing.isEmpty && doomed.isEmpty && bans.isEmpty
    },
    hides: (event: NostrEvent) => vanishing.hides(event) || doomed.has(blobOfHex(event.id)) || bans.hides(event),
  }
  const putOne = (item: Incoming, at: UnixSec): Outcome =>
    bans.forbids(item.event) ? { state: 'banned' } : writer.put(item, at)
  const putAll = db.transaction((items: readonly Incoming[], at: UnixSec) => {
    const outcomes = items.map((item) => putOne(item, at))
    tagIndex.settleMany(handedOut)
    return outcomes
  })
  const removeExpired = db.transaction((at: UnixSec, limit: number) => writer.removeExpired(at, limit))
  let isFull = false
  if (!room.shrinks && (maxDbBytes !== undefined || rules.length > 0)) {
    log.warn('file-does-not-shrink', { advice: 'it was made by an older version: ksp relay compact converts it' })
  }

  const measure = (): void => {
    if (maxDbBytes !== undefined) isFull = room.usedBytes() > maxDbBytes * HIGH_WATER
  }
  measure()

  const isShown = (json: string | undefined): boolean =>
    json !== undefined && (hidden.isEmpty || !hidden.hides(JSON.parse(json) as NostrEvent))

  const write = (items: readonly Incoming[], at: UnixSec): Outcome[] => {
    try {
      return health.guard(() => {
        if (wal.isTooLong) throw new WalTooLong('what was committed can not be written to the file')
        const outcomes = putAll.immediate(items, at)
        last = handedOut
        return outcomes
      })
    } finally {
      wal.committed()
      measure()
      if (items.some(({ event }) => event.kind === VANISH)) vanishing.reload()
      if (items.some(({ event }) => event.kind === DELETION)) doomed.reload()
    }
  }

  const settled = (): Promise<void> => durable.settled(health.guard)

  return {
    has: (id) => (hidden.isEmpty ? has.get(blobOfHex(id)) !== undefined : isShown(jsonOfId.get(blobOfHex(id)))),
    lastSeq: () => last,
    write,
    commit: async (items, at) => {
      const outcomes = health.guard(() => durable.without(db, () => write(items, at)))
      await settled()
      return outcomes
    },
    settled,
    ...openScans(db, lanes, hidden),
    removeExpired: (at, limit) => health.guard(() => removeExpired.immediate(at, limit)),
    count: () => count.get() ?? 0,
    database: db,
    isServed: (seq) => isShown(jsonOfSeq.get(seq)),
    vanishCount: () => vanishing.count,
    retention: openRetention(rules, floors, () => isFull),
    moderation,
    banKey: (key, note) => {
      vanishing.tookSomething()
      return health.guard(() => bans.banKey(key, note))
    },
    banEvent: (id, note) => {
      vanishing.tookSomething()
      return health.guard(() => bans.banEvent(id, note))
    },
    health,
    chores: storeChores({
      ...{ db, writer, settleTags, vanishing, doomed, bans, floors, room, wal, health, rules, maxDbBytes, now, log },
      removed: (reason, events) => {
        measure()
        onRemoved(reason, events)
      },
    }),
    close: () => {
      try {
        // A file that was opened in spite of what is wrong with it is checked again by whoever opens it next.
        if (db.open && check) {
          settleTags()
          condition.stopped()
          wal.workOff()
        }
      } catch (error) {
        log.error('not-stopped-in-order', { reason: reasonOf(error) })
      } finally {
        durable.close()
        db.close()
      }
    },
  }
}
