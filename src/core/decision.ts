import type { NodeInfo, ReceiptStage, Attestation } from './envelope-types.js'
import type { Refusal, RefusalCode } from './refusal.js'
import type {
  DeliveryState,
  Destination,
  EventId,
  HermId,
  Hex32,
  MessageId,
  NostrEvent,
  Pubkey,
  RelayUrl,
  Road,
  UnixMs,
  UnixSec,
} from './types.js'

/**
 * What the two `decide` functions read and what they answer. A Decision is plain data; the store writes the whole of it
 * in one transaction or none of it (house.md, idea 3).
 */

/** A scope of the braid: `gossip`, or `pair:<lower key>:<higher key>` (braid.md). */
export type Scope = 'gossip' | `pair:${string}`

/** The scope two Herms share; the same text on both. */
export const pairScope = (a: Pubkey, b: Pubkey): Scope => (a < b ? `pair:${a}:${b}` : `pair:${b}:${a}`)

/** A TXXM on its way into the braid. */
export interface NewStrand {
  readonly id: MessageId
  readonly author: Pubkey
  /** The TXXM's `type`, `action`, `target_kor`, `source_kor`. */
  readonly type: string
  readonly action: string
  readonly targetKor: string
  readonly sourceKor: string
  /** body.created_at or 0: the key of the linear order. */
  readonly createdAt: UnixSec | 0
  /** body.valid_until. */
  readonly validUntil?: UnixSec
  /** RFC 8785 text; `id` is its SHA-256. */
  readonly body: string
  readonly attestation?: Attestation
  /** The original signed event, kept only where it travelled in the clear, so that it can be forwarded and proved. */
  readonly event?: NostrEvent
  readonly confidential: boolean
  readonly origin: 'peer' | 'cli' | 'kapnetd'
  /** By whom it was brought, and how; absent for what a local caller made. */
  readonly carrier?: Pubkey
  readonly road?: Road
  readonly parents: readonly MessageId[]
  readonly scopes: readonly Scope[]
}

/** A task or a result: the same delivery machinery, outside the braid. Unique by (sender, taskId, kind). */
export interface NewRow {
  readonly id: MessageId
  readonly kind: 'task' | 'result'
  readonly author: Pubkey
  readonly taskId: string
  readonly body: string
  readonly attestation?: Attestation
  readonly confidential: boolean
  readonly origin: 'peer' | 'cli' | 'nats'
}

/** An event or rumor id seen. Without a code it was taken; with `generation` it is looked at again in another one. */
export interface Mark {
  readonly id: EventId
  readonly code?: RefusalCode
  readonly generation?: number
}

/** A delivery to be made. Starts as `queued`. */
export interface Owed {
  readonly message: MessageId
  readonly to: Destination
  /** Not before this time. */
  readonly dueAt: UnixMs
  /** Dead after this time. */
  readonly expiresAt: UnixMs
  /** True: `nip44` (and later `private`, `dm`); false: it may travel in the clear. */
  readonly confidential: boolean
}

/** One step of one delivery; becomes one transitions row. Applied only where `mayMove` (delivery.ts) allows it. */
export interface Move {
  readonly message: MessageId
  readonly to: Destination
  readonly state: DeliveryState
  readonly at: UnixMs
  readonly road?: Road
  readonly relay?: RelayUrl
  /** The event we sent, or the peer's receipt event. */
  readonly event?: EventId
  readonly code?: RefusalCode | 'timeout' | 'no-relay' | 'max-age' | 'refused' | 'operator' | 'fault'
  /** For a person. At most 200 characters, no content. */
  readonly reason?: string
  /** When to look at it again. Absent: never by itself. */
  readonly retryAt?: UnixMs
  /** True where `event` is one that we sent in this delivery: a receipt may name it from now on. */
  readonly sent?: boolean
  /** This step counts as one of the delivery's tries. */
  readonly try?: boolean
}

/** Whom to answer about a message that came in, and about which event: the latest one by that carrier. */
export interface Answer {
  readonly message: MessageId
  readonly carrier: Pubkey
  readonly event: EventId
  readonly confidential: boolean
}

/** A receipt to be sent. `done` that follows a `stored` of the same event that was not yet sent replaces it. */
export interface OwedReceipt {
  readonly to: Pubkey
  readonly event: EventId
  readonly ref?: MessageId
  readonly status: 'accepted' | 'duplicate' | 'rejected' | 'expired'
  readonly stage?: ReceiptStage
  readonly code?: RefusalCode
  readonly message?: string
  readonly at: UnixMs
  /** Not sent before this time, so that a `done` can replace it. */
  readonly dueAt: UnixMs
  /** What came by nip44 or dm is never answered in the clear (wire.md 2.4). */
  readonly confidential: boolean
  /** The scope whose root and count the receipt tells. */
  readonly scope?: Scope
}

/** The newest node-info of a key. */
export interface PeerInfo {
  readonly key: Pubkey
  readonly info: NodeInfo
  /** created_at of the event; an older one is a replay and ignored. */
  readonly createdAt: UnixSec
  readonly expiresAt?: UnixSec
  readonly event: EventId
  readonly relay?: RelayUrl
  readonly seenAt: UnixMs
}

export interface Decision {
  readonly strand?: NewStrand
  readonly row?: NewRow
  readonly marks?: readonly Mark[]
  readonly owes?: readonly Owed[]
  readonly moves?: readonly Move[]
  readonly answers?: readonly Answer[]
  readonly receipts?: readonly OwedReceipt[]
  /** UNIQUE: a known key returns the first id, so a redelivered order is sent once. */
  readonly orderKey?: { readonly key: string; readonly message: MessageId }
  readonly peer?: PeerInfo
  /** Pins a Herm id to a key (wire.md 5). Ignored where the id is pinned already. */
  readonly pin?: { readonly id: HermId; readonly key: Pubkey }
  /** Counted by code. With a refusal nothing but marks and receipts is written. */
  readonly refusal?: Refusal
  /** What was decided, for the caller: the message this is about and whether it is new here. */
  readonly message?: MessageId
  readonly fresh?: boolean
}

/** What a decision may ask of the store. Every read sees what earlier decisions of the same commit wrote. */
export interface View {
  mark(id: EventId): Mark | undefined
  /** A message that is here, strand or row alike. */
  message(id: MessageId): KnownMessage | undefined
  orderKey(key: string): MessageId | undefined
  /** Newest first. */
  tips(scope: Scope, limit: number): MessageId[]
  /** The delivery in which we sent this event. */
  sent(event: EventId): { message: MessageId; to: Destination } | undefined
  delivery(
    message: MessageId,
    to: Destination,
  ): { state: DeliveryState; confidential: boolean; tries: number } | undefined
  peer(key: Pubkey): PeerInfo | undefined
  pinned(id: HermId): Pubkey | undefined
  /** The task row of this sender with this id, to find a `conflict`. */
  task(sender: Pubkey, taskId: string): { id: MessageId } | undefined
  /** How many receipts were made for this message to this carrier (they are bounded), and the event answered last. */
  answered(message: MessageId, carrier: Pubkey): { count: number; event: EventId } | undefined
  /** Everyone to be told when a message is done. */
  answers(message: MessageId): Answer[]
  root(scope: Scope): { root: Hex32; count: number }
}

export interface KnownMessage {
  readonly id: MessageId
  readonly author: Pubkey
  readonly kind: 'strand' | 'task' | 'result'
  /** Of our local ports: `done` when every local delivery is final. */
  readonly stage: ReceiptStage
  /** A local port said no, finally. */
  readonly rejected: boolean
  readonly scopes: readonly Scope[]
}
