import type { Decision } from '../core/decision.js'
import type { Refusal } from '../core/refusal.js'
import type { Pubkey } from '../core/types.js'
import type { Bell } from './bell.js'
import { isKorName } from './kor-name.js'
import type { Tally } from './tally.js'

/** What a committed decision sets going: bells for the pumps, counters, and whoever watches a message. */
export interface AfterCommit {
  (decision: Decision): void
}

export interface AfterCommitOptions {
  readonly bell: Bell
  readonly tally: Tally
  /** A node-info of somebody trusted or a pin was written: the roster must be made anew. */
  readonly rosterChanged: () => void
  /** Anyone may advertise, as often as relays let them: what strangers say of themselves changes nothing in the roster. */
  readonly isTrusted: (key: Pubkey) => boolean
  readonly moved: (message: string) => void
  /** A key claims an id that is pinned to another: the operator must see it. */
  readonly conflict: (refusal: Refusal) => void
}

/** The name a receipt pump waits for. */
export const receiptBell = (to: string): string => `receipts:${to}`

export const createAfterCommit =
  ({ bell, tally, rosterChanged, isTrusted, moved, conflict }: AfterCommitOptions): AfterCommit =>
  (decision) => {
    if (decision.refusal !== undefined) {
      tally.refused(decision.refusal.code)
      if (decision.refusal.code === 'id-conflict') conflict(decision.refusal)
    }
    for (const owed of decision.owes ?? []) if (!isKorName(owed.to)) bell.ring(owed.to)
    for (const receipt of decision.receipts ?? []) bell.ring(receiptBell(receipt.to))
    for (const move of decision.moves ?? []) {
      if (!isKorName(move.to)) bell.ring(move.to)
      moved(move.message)
    }
    if ((decision.owes?.length ?? 0) > 0 || (decision.receipts?.length ?? 0) > 0) bell.ring('pumps')
    if (decision.pin !== undefined || (decision.peer !== undefined && isTrusted(decision.peer.key))) rosterChanged()
  }
