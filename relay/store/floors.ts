import type Database from 'better-sqlite3'
import { ruleFor } from './retention-rules.js'
import type { RetentionRules } from './retention-rules.js'

/**
 * What was taken away for want of room must not come back, or it would go in circles, and a peer that compares by negentropy
 * would send it for ever. So for each kind the newest `created_at` that was taken is remembered: up to there nothing is taken
 * in any more. A floor belongs to the bound that made it: where an operator allows more, it holds no longer.
 */
export interface Floors {
  /** Events of this kind up to this `created_at` are not kept; undefined: there is no such time. */
  of(kind: number): number | undefined
  /** Inside a transaction. */
  raise(kind: number, until: number, cause: FloorCause): void
  /** Reads the file again: after a transaction, whether it held or not. */
  reload(): void
}

export type FloorCause = 'count' | 'size'

export interface Bounds {
  readonly rules: RetentionRules
  readonly maxDbBytes?: number
}

type Row = [kind: number, cause: FloorCause, until: number, bound: number]

export const openFloors = (db: Database.Database, bounds: Bounds): Floors => {
  const boundOf = (kind: number, cause: FloorCause): number =>
    (cause === 'size' ? bounds.maxDbBytes : ruleFor(bounds.rules, kind)?.maxCount) ?? Infinity
  const all = db.prepare<[], Row>('SELECT kind, cause, until, bound FROM floors').raw()
  const raise = db.prepare<[number, string, number, number]>(
    `INSERT INTO floors (kind, cause, until, bound) VALUES (?, ?, ?, ?)
     ON CONFLICT (kind, cause) DO UPDATE SET bound = excluded.bound,
       until = CASE WHEN excluded.bound > bound THEN excluded.until ELSE max(until, excluded.until) END`,
  )
  let floors = new Map<number, number>()
  const reload = (): void => {
    floors = new Map()
    for (const [kind, cause, until, bound] of all.all()) {
      if (boundOf(kind, cause) <= bound) floors.set(kind, Math.max(until, floors.get(kind) ?? -1))
    }
  }
  reload()

  return {
    of: (kind) => floors.get(kind),
    raise: (kind, until, cause) => void raise.run(kind, cause, until, boundOf(kind, cause)),
    reload,
  }
}
