import type Database from 'better-sqlite3'
import type { UnixSec } from '../../src/core/types.js'
import type { Log } from '../../src/ports.js'
import type { Bans } from './bans.js'
import { openRuleEviction } from './evict-by-rule.js'
import { openSizeEviction } from './evict-by-size.js'
import type { Doomed } from './doomed.js'
import type { Floors } from './floors.js'
import type { Health } from './health.js'
import type { RetentionRules } from './retention-rules.js'
import type { Room } from './room.js'
import type { EventWriter } from './store-write.js'
import type { Chore } from './upkeep.js'
import { vacuumRound } from './vacuum.js'
import type { Vanishing } from './vanishing.js'
import type { Wal } from './wal.js'

/** Why events are taken off the disk. */
export type RemovalReason = 'expired' | 'retention' | 'size-cap' | 'vanished' | 'banned'

export interface ChoreParts {
  readonly db: Database.Database
  readonly writer: EventWriter
  readonly settleTags: () => void
  readonly vanishing: Vanishing
  readonly bans: Pick<Bans, 'isEmpty' | 'round'>
  readonly doomed: Doomed
  readonly floors: Floors
  readonly room: Room
  readonly wal: Wal
  readonly health: Health
  readonly rules: RetentionRules
  readonly maxDbBytes: number | undefined
  readonly now: () => UnixSec
  readonly log: Log
  readonly removed: (reason: RemovalReason, events: number) => void
}

const EXPIRED_AT_ONCE = 16
const PROBE_BYTES = 256 * 1024

/** All that the store does for itself, in the order in which it matters to others. */
export const storeChores = (parts: ChoreParts): readonly Chore[] => {
  const { db, writer, settleTags, vanishing, doomed, bans, floors, room, wal, health, rules, maxDbBytes, now, log } =
    parts
  const remove = (id: Buffer): boolean => writer.remove(id)

  /** Not waited for: should the power fail, what was removed is found and removed again. */
  const inTransaction = db.transaction((steps: () => void) => steps())
  const together = (steps: () => void): void => {
    db.pragma('synchronous = NORMAL')
    try {
      health.guard(() => inTransaction.immediate(steps))
      wal.committed()
    } finally {
      db.pragma('synchronous = FULL')
      vanishing.reload()
      doomed.reload()
      floors.reload()
    }
  }
  const eviction = (
    name: string,
    reason: RemovalReason,
    everyMs: number,
    round: () => Iterator<number, void>,
  ): Chore => ({ name, everyMs, round, together, removed: (events) => parts.removed(reason, events) })

  function* expired(): Generator<number, void> {
    for (let gone = EXPIRED_AT_ONCE; gone === EXPIRED_AT_ONCE;) {
      gone = writer.removeExpired(now(), EXPIRED_AT_ONCE)
      yield gone
    }
  }

  return [
    eviction('vanish', 'vanished', 250, function* () {
      if (!vanishing.isEmpty) yield* vanishing.round(remove)
    }),
    eviction('ban', 'banned', 250, function* () {
      if (!bans.isEmpty) yield* bans.round(remove)
    }),
    // Deletions are not counted here: small ones remove what they name themselves.
    { name: 'delete', everyMs: 250, together, round: () => (doomed.isEmpty ? none() : doomed.round(remove)) },
    eviction('expire', 'expired', 10_000, expired),
    ...(rules.length === 0
      ? []
      : [eviction('retain', 'retention', 30_000, openRuleEviction(db, { rules, now, floors, remove }))]),
    ...(maxDbBytes === undefined
      ? []
      : [eviction('size', 'size-cap', 1_000, openSizeEviction(db, { maxDbBytes, room, floors, remove, log }))]),
    ...(room.shrinks ? [{ name: 'vacuum', everyMs: 5_000, round: () => vacuumRound(db, room, log), together }] : []),
    { ...alone('tags', 2_000, settleTags), together },
    alone('wal', 1_000, () => health.guard(() => wal.look())),
    alone('probe', 1_000, () => {
      if (!health.writable) probe(db, wal, health)
    }),
  ]
}

const none = (): Iterator<number, void> => [][Symbol.iterator]()

/** One step, outside of any transaction. */
const alone = (name: string, everyMs: number, step: () => void): Chore => ({
  name,
  everyMs,
  round: function* () {
    step()
    yield 0
  },
  together: (steps) => steps(),
})

/** Whether there is room for more than a little again. That there is none was said already. */
const probe = (db: Database.Database, wal: Wal, health: Health): void => {
  if (wal.isTooLong) return
  health.guard(() => {
    db.prepare('INSERT INTO probe (room) VALUES (zeroblob(?))').run(PROBE_BYTES)
    db.prepare('DELETE FROM probe').run()
  })
  wal.committed()
  health.recovered()
}
