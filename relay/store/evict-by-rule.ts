import type Database from 'better-sqlite3'
import type { UnixSec } from '../../src/core/types.js'
import type { Floors } from './floors.js'
import { ruleFor } from './retention-rules.js'
import type { RetentionRules } from './retention-rules.js'

/**
 * One round over all kinds that are stored: what is older than its rule allows, and what is one too many of its kind. The
 * index by kind is walked in small steps; yields how many events each of them removed.
 */
export interface RuleEviction {
  readonly rules: RetentionRules
  readonly now: () => UnixSec
  readonly floors: Floors
  readonly remove: (id: Buffer) => boolean
}

/** Index entries skipped in one step, and removed between two looks at the index. */
const SKIP = 1_000
const PAGE = 100

type Place = [age: number, id: Buffer]

export const openRuleEviction = (
  db: Database.Database,
  { rules, now, floors, remove }: RuleEviction,
): (() => Generator<number, void>) => {
  const nextKind = db.prepare<[number], number | null>('SELECT min(kind) FROM events WHERE kind > ?').pluck()
  // The oldest first, from behind.
  const oldest = db
    .prepare<[number, number, number], Place>(
      'SELECT age, id FROM events WHERE kind = ? AND age > ? ORDER BY age DESC, id DESC LIMIT ?',
    )
    .raw()
  const beyond = db
    .prepare<[number, number, Buffer, number], Place>(
      'SELECT age, id FROM events WHERE kind = ? AND (age, id) > (?, ?) ORDER BY age, id LIMIT 1 OFFSET ?',
    )
    .raw()
  const after = db
    .prepare<[number, number, Buffer, number], Place>(
      'SELECT age, id FROM events WHERE kind = ? AND (age, id) > (?, ?) ORDER BY age DESC, id DESC LIMIT ?',
    )
    .raw()

  function* byAge(kind: number, maxAgeSec: number): Generator<number, void> {
    const eldest = maxAgeSec - now()
    for (let removed = 1; removed > 0;) {
      removed = 0
      for (const [, id] of oldest.all(kind, eldest, PAGE)) {
        if (!remove(id)) continue
        removed++
        yield 1
      }
    }
  }

  /** The last one that may stay, found in small steps; undefined where they are few enough. */
  function* lastKept(kind: number, maxCount: number): Generator<number, Place | undefined> {
    let place: Place = [-Number.MAX_SAFE_INTEGER, BEFORE_ALL_IDS]
    for (let left = maxCount; left > 0;) {
      const skip = Math.min(left, SKIP)
      const found = beyond.get(kind, place[0], place[1], skip - 1)
      if (found === undefined) return undefined
      place = found
      left -= skip
      yield 0
    }
    return place
  }

  function* byCount(kind: number, maxCount: number): Generator<number, void> {
    const last = yield* lastKept(kind, maxCount)
    if (last === undefined) return
    for (let removed = 1; removed > 0;) {
      removed = 0
      for (const [age, id] of after.all(kind, last[0], last[1], PAGE)) {
        if (!remove(id)) continue
        floors.raise(kind, -age, 'count')
        removed++
        yield 1
      }
    }
  }

  return function* round() {
    for (let kind = nextKind.get(-1); kind !== null && kind !== undefined; kind = nextKind.get(kind)) {
      const rule = ruleFor(rules, kind)
      if (rule?.maxAgeSec !== undefined) yield* byAge(kind, rule.maxAgeSec)
      if (rule?.maxCount !== undefined) yield* byCount(kind, rule.maxCount)
      yield 0
    }
  }
}

const BEFORE_ALL_IDS = Buffer.alloc(0)
