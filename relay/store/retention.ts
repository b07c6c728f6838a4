import type { UnixSec } from '../../src/core/types.js'
import type { Floors } from './floors.js'
import { isKeptForEver, ruleFor } from './retention-rules.js'
import type { RetentionRules } from './retention-rules.js'

/** What of an event that arrives the bounds of this store say: what they would take away again is not taken in. */
export interface Retention {
  /** Undefined: it may be stored. */
  refuses(kind: number, createdAt: UnixSec, now: UnixSec): RetentionRefusal | undefined
}

export type RetentionRefusal =
  /** Older than its rule allows. */
  | { readonly why: 'too-old'; readonly maxAgeSec: number }
  /** As old as what was taken away for want of room. */
  | { readonly why: 'no-room'; readonly since: number }
  /** Nothing is stored until there is room again. */
  | { readonly why: 'full' }

export const openRetention = (rules: RetentionRules, floors: Floors, isFull: () => boolean): Retention => ({
  refuses: (kind, createdAt, now) => {
    if (isKeptForEver(kind)) return undefined
    const maxAgeSec = ruleFor(rules, kind)?.maxAgeSec
    if (maxAgeSec !== undefined && createdAt < now - maxAgeSec) return { why: 'too-old', maxAgeSec }
    const floor = floors.of(kind)
    if (floor !== undefined && createdAt <= floor) return { why: 'no-room', since: floor }
    return isFull() ? { why: 'full' } : undefined
  },
})
