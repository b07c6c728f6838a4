import type { Prefix } from '../session/answers.js'
import { distribution } from './distribution.js'
import type { Distribution } from './distribution.js'

/**
 * All that the relay counts, as plain numbers on plain objects: a stage adds one where something happened, and whoever wants
 * to know reads them when it wants to know (exposition.ts). Nothing here says who, which kind or which event: what a private
 * event is and who reads it must not be seen in a number with a name on it.
 */
export interface Meters {
  readonly messages: {
    received: number
    /** Answered without being looked at further: not JSON, of the wrong form, too long, one subscription too many. */
    refused: number
  }
  readonly events: EventMeters
  readonly verify: {
    /** Signatures checked, and those that did not hold. */
    checked: number
    failed: number
    readonly batch: Distribution
  }
  readonly commit: {
    /** Events in one transaction. */
    readonly batch: Distribution
    readonly seconds: Distribution
    failed: number
    /** False while the file takes no writes: a full disk, a read-only file (store/health.ts). */
    writable: boolean
  }
  /** Questions, by what the client calls them; NEG-OPEN and NEG-MSG are one. */
  readonly asks: Readonly<Record<Ask, AskMeters>>
  readonly sent: {
    /** Events sent to a subscription: as they came in, and from what is stored. */
    live: number
    stored: number
  }
  readonly clients: {
    connected: number
    /** Handshakes that were not answered with a connection. */
    readonly turnedAway: Record<TurnedAwayReason, number>
    readonly cutOff: Record<CutReason, number>
  }
  /** Of connections that have ended; those of open ones are asked of their sockets. */
  readonly bytes: {
    received: number
    sent: number
  }
  /** Events taken off the disk, by why. */
  readonly removed: Record<RemovalReason, number>
  /** NIP-86: calls that were answered, and those that were not allowed. */
  readonly management: {
    answered: number
    refused: number
  }
}

export interface EventMeters {
  received: number
  /** With OK true; those we had already are counted below, not here. */
  accepted: number
  duplicates: number
  /** Of the accepted: sent on and not stored. */
  ephemeral: number
  readonly refused: Record<RefusalPrefix, number>
}

export interface AskMeters {
  received: number
  readonly refused: Record<RefusalPrefix, number>
}

export const ASKS = ['req', 'count', 'neg', 'auth'] as const
export type Ask = (typeof ASKS)[number]

export type RefusalPrefix = Exclude<Prefix, 'duplicate'> | 'closed'
/** `closed` is NIP-77's own. */
export const REFUSAL_PREFIXES = [
  'pow',
  'blocked',
  'rate-limited',
  'invalid',
  'restricted',
  'auth-required',
  'mute',
  'error',
  'closed',
] as const satisfies readonly RefusalPrefix[]

export const CUT_REASONS = ['slow-reader', 'too-long', 'no-pong', 'memory', 'blocked', 'protocol'] as const
/**
 * Reads too slowly; sent a message too long to answer; answered no ping; holds too much of our memory; an admin blocked its
 * address; did not speak WebSocket, or not to the end.
 */
export type CutReason = (typeof CUT_REASONS)[number]

/** Too many connections, or too many of one address; an admin blocked it; there is no relay at this path. */
export const TURNED_AWAY_REASONS = ['full', 'address-limit', 'blocked', 'path'] as const
export type TurnedAwayReason = (typeof TURNED_AWAY_REASONS)[number]

export const REMOVAL_REASONS = ['expired', 'retention', 'size-cap', 'vanished', 'banned'] as const
export type RemovalReason = (typeof REMOVAL_REASONS)[number]

/** Events in a batch, and in a commit. */
const BATCH_BOUNDS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024]
const COMMIT_BOUNDS_S = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

export const openMeters = (): Meters => ({
  messages: { received: 0, refused: 0 },
  events: { received: 0, accepted: 0, duplicates: 0, ephemeral: 0, refused: zeros(REFUSAL_PREFIXES) },
  verify: { checked: 0, failed: 0, batch: distribution(BATCH_BOUNDS) },
  commit: { batch: distribution(BATCH_BOUNDS), seconds: distribution(COMMIT_BOUNDS_S), failed: 0, writable: true },
  asks: { req: askMeters(), count: askMeters(), neg: askMeters(), auth: askMeters() },
  sent: { live: 0, stored: 0 },
  clients: { connected: 0, turnedAway: zeros(TURNED_AWAY_REASONS), cutOff: zeros(CUT_REASONS) },
  bytes: { received: 0, sent: 0 },
  removed: zeros(REMOVAL_REASONS),
  management: { answered: 0, refused: 0 },
})

const askMeters = (): AskMeters => ({ received: 0, refused: zeros(REFUSAL_PREFIXES) })

const zeros = <Name extends string>(names: readonly Name[]): Record<Name, number> =>
  Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>
