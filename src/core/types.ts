/** The words every room shares. Nothing here does anything. */

declare const brand: unique symbol
export type Brand<T, B extends string> = T & { readonly [brand]: B }

/** 64 lowercase hex characters. */
export type Hex32 = string
/** NIP-01 event id (also of an unsigned rumor). */
export type EventId = Brand<string, 'EventId'>
/** A Nostr public key: x-only, 64 lowercase hex. */
export type Pubkey = Brand<string, 'Pubkey'>
/** What identifies a message: the TXXM id, or the envelope sha256 of a task or result. 64 lowercase hex (wire.md 1). */
export type MessageId = Brand<string, 'MessageId'>
/** BIP-340 signature, 128 lowercase hex. */
export type Signature = Brand<string, 'Signature'>
/** `[a-z0-9][a-z0-9-]{0,62}`, not `any` or `local` (wire.md 1). */
export type HermId = Brand<string, 'HermId'>
/** A KOR name in lowercase (wire.md 1). */
export type KorName = Brand<string, 'KorName'>
export type RelayUrl = Brand<string, 'RelayUrl'>

/** Nostr counts seconds, Node counts milliseconds: never mix them. */
export type UnixSec = Brand<number, 'UnixSec'>
export type UnixMs = Brand<number, 'UnixMs'>

export const toSec = (ms: UnixMs): UnixSec => Math.floor(ms / 1000) as UnixSec
export const toMs = (sec: UnixSec): UnixMs => (sec * 1000) as UnixMs

/** NIP-01, before it has an id. */
export interface EventTemplate {
  readonly kind: number
  readonly created_at: UnixSec
  readonly tags: readonly (readonly string[])[]
  readonly content: string
}

/** NIP-01, with author and id but no signature: what a NIP-59 rumor is, and what a signature commits to. */
export interface UnsignedEvent extends EventTemplate {
  readonly id: EventId
  readonly pubkey: Pubkey
}

/** NIP-01, whole. */
export interface NostrEvent extends UnsignedEvent {
  readonly sig: Signature
}

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue }
export type JsonObject = { [key: string]: JsonValue }

/** The roads of wire.md section 4. `private` and `dm` are on the wire contract but not yet driven. */
export type Road = 'private' | 'dm' | 'nip44' | 'public'

/** A local port by name, as a destination of deliveries. */
export type PortName = 'kapnetd' | 'nats'

/**
 * Who a delivery is owed to.
 * - 64 hex: a peer's key
 * - `port:NAME`: a local port
 * - `gossip`: everyone who reads us; ends at `relay-ok`
 * - `kor:NAME`: not yet known who; becomes deliveries to peers when one serves NAME (wire.md 5)
 */
export type Destination = Pubkey | `port:${PortName}` | 'gossip' | `kor:${string}`

/** The states of a delivery (delivery.md). Nothing is called delivered before `peer-stored`. */
export type DeliveryState = 'queued' | 'relay-ok' | 'peer-stored' | 'done' | 'retrying' | 'undeliverable' | 'dead'

/** A signature to check: BIP-340 `sig` by `pubkey` over the 32 bytes `digest`. */
export interface Proof {
  readonly digest: Hex32
  readonly pubkey: Pubkey
  readonly sig: string
}
