import type { Decision, KnownMessage, OwedReceipt, PeerInfo, Scope, View } from './core/decision.js'
import type { Attestation, ReceiptStage, Txxm } from './core/envelope-types.js'
import type { Hashes } from './core/hashes.js'
import type { Carried } from './core/inbound.js'
import type { MadeOrder, NewOrder } from './core/outbound.js'
import type { Refusal, Result } from './core/refusal.js'
import type {
  DeliveryState,
  Destination,
  EventId,
  EventTemplate,
  HermId,
  Hex32,
  JsonObject,
  MessageId,
  NostrEvent,
  PortName,
  Proof,
  Pubkey,
  RelayUrl,
  Road,
  UnixMs,
  UnixSec,
} from './core/types.js'

/** FLOOR 1: what the rooms know of each other. Interfaces only; `bridge.ts` alone wires them. */

export interface Clock {
  now(): UnixMs
  /** Resolves after `ms`, or at once when `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export interface Random {
  bytes(length: number): Uint8Array
  /** 0 <= x < 1 */
  fraction(): number
}

/** A fixed event name plus fields: ids and reasons, never content or keys' secrets. */
export interface Log {
  debug(event: string, fields?: Record<string, unknown>): void
  info(event: string, fields?: Record<string, unknown>): void
  warn(event: string, fields?: Record<string, unknown>): void
  error(event: string, fields?: Record<string, unknown>): void
}

/** Signs and decrypts, and never hands the key out. Every method rejects with a Fault('signer') when it can't. */
export interface Signer {
  getPublicKey(): Promise<Pubkey>
  signEvent(template: EventTemplate): Promise<NostrEvent>
  nip44Encrypt(to: Pubkey, plaintext: string): Promise<string>
  nip44Decrypt(from: Pubkey, ciphertext: string): Promise<string>
}

/** secp256k1 in one thread, behind one shape whatever does the work. */
export interface CryptoEngine {
  readonly name: 'native' | 'wasm' | 'js'
  /** The file that does the work, where there is one; for people. */
  readonly library?: string
  /** Why no faster engine is in use, where there is one; for people. */
  readonly reason?: string
  /** False for bad input of any form; never throws. */
  verify(proof: Proof): boolean
  /** BIP-340 over a 32-byte digest with 32 bytes of auxiliary randomness; 64 bytes. */
  sign(digest: Uint8Array, secret: Uint8Array, aux: Uint8Array): Uint8Array
  /** x-only, 32 bytes. */
  publicKey(secret: Uint8Array): Uint8Array
  /** The unhashed x coordinate of the ECDH point, 32 bytes (NIP-44). Throws for a key that is no point. */
  sharedX(secret: Uint8Array, pubkey: Pubkey): Uint8Array
}

/** NIP-44 v2 with a conversation key. */
export interface Nip44 {
  conversationKey(sharedX: Uint8Array): Uint8Array
  /** Plaintext of 1 to 65,535 bytes; throws a RangeError beyond. */
  encrypt(plaintext: string, conversationKey: Uint8Array, nonce: Uint8Array): string
  /** Undefined where the ciphertext is not whole or not for this key. */
  decrypt(payload: string, conversationKey: Uint8Array): string | undefined
}

/** Checks BIP-340 signatures in batches. Answers in order; never throws for bad input. */
export interface Verifier {
  readonly engine: string
  verify(proofs: readonly Proof[]): Promise<boolean[]>
}

/** What a transport hands over: its carrier is proved, its content is plain text, nothing in it is trusted yet. */
export type Arrival = Carried

/** What a local caller wants sent. */
export type Order = {
  /** Makes the order idempotent (delivery.md). At most 200 characters. */
  readonly key: string
  readonly origin: 'cli' | 'kapnetd'
} & (NewOrder | MadeOrder)

export interface Accepted {
  readonly id: MessageId
  /** False: this order's key, or the message itself, was known. */
  readonly fresh: boolean
}

/** Resolves after the group commit. Never rejects for bad input. The answers are in the order of the items. */
export type Intake<In, Out> = (items: readonly In[]) => Promise<Result<Out>[]>

/** A delivery as a pump gets it. */
export interface Delivery {
  readonly message: MessageId
  readonly to: Destination
  readonly state: DeliveryState
  readonly tries: number
  readonly confidential: boolean
  readonly createdAt: UnixMs
  readonly expiresAt: UnixMs
}

/** A message with what is needed to send or deliver it. */
export interface Message {
  readonly id: MessageId
  readonly kind: 'strand' | 'task' | 'result'
  readonly author: Pubkey
  /** RFC 8785 text of the body. */
  readonly body: string
  readonly attestation?: Attestation
  /** The original signed event where one is kept. */
  readonly event?: NostrEvent
  readonly confidential: boolean
  readonly validUntil?: UnixSec
}

export interface Committed {
  readonly decision: Decision
}

/** Approvals and blocks made by `ksp peers`, beside those of the config. */
export interface Grant {
  readonly key: Pubkey
  readonly verdict: 'approved' | 'blocked'
  readonly id?: HermId
  readonly at: UnixMs
}

export interface RelayMemory {
  readonly url: RelayUrl
  /** Our clock when we last knew that we had all of it; absent before the first whole read. */
  readonly lastWhole?: UnixMs
}

/** One writer. Every write resolves only when it is durable (`synchronous=FULL`). */
export interface Store {
  /**
   * Decides and writes in one turn of the one writer; many calls share one transaction. `decide` runs inside it, is sync,
   * sees all that was committed before it and all that earlier calls of the same transaction wrote.
   * Rejects with a Fault('store') when the disk fails, and then nothing of it was written.
   */
  commit(decide: (view: View) => Decision): Promise<Decision>

  /** Reads of what is committed. */
  readonly view: View

  /** Deliveries to `to` that are due, oldest first. */
  due(to: Destination, now: UnixMs, limit: number): Delivery[]
  /** When the next delivery to `to` is due; with `after`, the next one that is due later than that. */
  nextDue(to: Destination, after?: UnixMs): UnixMs | undefined
  /**
   * What waits longer than `withinMs` to be looked at again for `to` (at most `fromMs`) is looked at within it, in the order
   * in which it would have been.
   */
  hasten(to: Destination, now: UnixMs, fromMs: number, withinMs: number): Promise<void>
  /** Every destination that has something unfinished. */
  owedTo(): Destination[]
  load(id: MessageId): Message | undefined
  /** Every delivery of a message, as it stands. */
  deliveriesOf(id: MessageId): { to: Destination; state: DeliveryState; code?: string }[]

  /** Receipts that are due to `to`, oldest first. `seq` names them for `receiptsSent`. */
  receiptsDue(to: Pubkey, now: UnixMs, limit: number): (OwedReceipt & { seq: number })[]
  nextReceiptDue(to: Pubkey): UnixMs | undefined
  receiptsOwedTo(): Pubkey[]
  receiptsSent(seqs: readonly number[]): Promise<void>

  peers(): PeerInfo[]
  pins(): { id: HermId; key: Pubkey }[]
  grants(): Grant[]
  setGrant(grant: Grant): Promise<void>
  /** The configuration's generation: it moves when `fingerprint` differs from the last one, or when a grant is set. */
  generation(fingerprint: string): Promise<number>

  relayMemory(url: RelayUrl): RelayMemory
  rememberRelay(memory: RelayMemory): Promise<void>
  cursor(name: string): string | undefined
  setCursor(name: string, value: string): Promise<void>

  known(id: MessageId): KnownMessage | undefined
  root(scope: Scope): { root: Hex32; count: number }
  /** Which of these the braid does not hold. */
  missing(ids: readonly MessageId[]): MessageId[]
  counts(): StoreCounts
  close(): Promise<void>
}

export interface StoreCounts {
  readonly strands: number
  readonly deliveries: Record<DeliveryState, number>
  readonly receiptsOwed: number
  readonly scopes: { scope: Scope; root: Hex32; count: number }[]
}

/** One strand as a log shows it. `parents` are in the body's order and may name strands that are not here. */
export interface StrandLine {
  readonly id: MessageId
  readonly author: Pubkey
  readonly type: string
  readonly action: string
  readonly targetKor: string
  readonly sourceKor: string
  readonly createdAt: UnixSec | 0
  readonly arrivedAt: UnixMs
  readonly origin: 'peer' | 'cli' | 'kapnetd'
  readonly carrier?: Pubkey
  readonly road?: Road
  readonly confidential: boolean
  readonly parents: readonly MessageId[]
}

/** What came from a peer. */
export interface InboxLine {
  /** The order of arrival; give the last one back as `after`. */
  readonly seq: number
  readonly id: MessageId
  readonly kind: Message['kind']
  readonly author: Pubkey
  readonly carrier?: Pubkey
  readonly road?: Road
  readonly confidential: boolean
  readonly arrivedAt: UnixMs
  /** RFC 8785 text of the body. */
  readonly body: string
  readonly stage: ReceiptStage
  readonly rejected: boolean
}

export interface Transition {
  readonly state: DeliveryState
  readonly at: UnixMs
  readonly road?: Road
  readonly relay?: RelayUrl
  readonly event?: EventId
  readonly code?: string
  readonly reason?: string
}

export interface OutboxLine extends Delivery {
  /** When it is looked at next; absent: never by itself. */
  readonly dueAt?: UnixMs
  /** Of the last step. */
  readonly code?: string
}

/** All that is known of one message. */
export interface MessageDetails {
  readonly message: Message
  readonly known: KnownMessage
  readonly arrivedAt: UnixMs
  /** Of a strand. */
  readonly strand?: StrandLine
  /** Of a task or result. */
  readonly taskId?: string
  readonly parents: readonly { readonly id: MessageId; readonly here: boolean }[]
  /** At most 1,000, oldest first. */
  readonly children: readonly MessageId[]
  readonly deliveries: readonly (OutboxLine & { readonly transitions: readonly Transition[] })[]
  readonly answers: readonly { readonly carrier: Pubkey; readonly event: EventId; readonly receipts: number }[]
}

/** A parent that is not here and is asked for. */
export interface MissingParent {
  readonly id: MessageId
  /** Who named it first. */
  readonly author: Pubkey
  readonly child: MessageId
  readonly since: UnixMs
}

export interface ExportedStrand {
  readonly id: MessageId
  readonly author: Pubkey
  readonly body: JsonObject
  readonly attestation?: Attestation
  readonly event?: NostrEvent
  readonly scopes: readonly Scope[]
}

export type VerifyStep =
  | {
      readonly kind: 'progress'
      readonly part: 'messages' | 'scopes'
      readonly checked: number
      readonly total: number
    }
  | {
      readonly kind: 'finding'
      readonly code:
        | 'bad-hash'
        | 'bad-attestation'
        | 'bad-event'
        | 'bad-author'
        | 'bad-parents'
        | 'bad-tips'
        | 'bad-count'
        | 'bad-root'
        | 'bad-missing'
        | 'bad-counter'
      readonly id?: MessageId
      readonly scope?: Scope
      readonly message: string
    }

/** Reads for people, also beside a running bridge. Generators hold no lock between two steps. */
export interface BraidReader {
  /** Newest here first: by arrival, or within a scope by the order in which strands joined it. */
  log(query: { scope?: Scope; author?: Pubkey; limit: number; before?: MessageId }): StrandLine[]
  /** Kahn's algorithm, ready set by (created_at or 0, id): the order of knots (wire.md 2.9). As of the first step. */
  linearOrder(scope: Scope): Generator<MessageId, void>
  show(id: MessageId): MessageDetails | undefined
  /** Ids that begin with these hex characters, at most `limit`. */
  find(start: string, limit: number): MessageId[]
  /** Newest first; of every scope where none is named. At most 1,000 a scope. */
  tips(scope?: Scope): { scope: Scope; id: MessageId }[]
  scopes(): { scope: Scope; root: Hex32; count: number }[]
  missingParents(limit: number): MissingParent[]
  /** Rechecks every hash and signature, and computes parents, tips, counts and roots again from scratch. */
  verify(hashes: Hashes, verifyProof: (proof: Proof) => boolean): Generator<VerifyStep, void>
  /** In the order in which they joined the scope, from behind `after`. */
  ids(query: { scope: Scope; after?: MessageId; limit: number }): MessageId[]
  /** Oldest first, from behind `after`. */
  inbox(query: { after?: number; limit: number }): InboxLine[]
  /** Newest message first. */
  deliveries(query: { state?: DeliveryState; to?: Destination; limit: number }): OutboxLine[]
  /** In order of arrival, or of joining the scope. */
  export(scope?: Scope): Generator<ExportedStrand, void>
}

/** What one relay answered to one event. */
export interface RelayAnswer {
  readonly relay: RelayUrl
  readonly ok: boolean
  /** The relay's own words, or what failed on the way. At most 200 characters. */
  readonly message: string
}

export interface RelayStatus {
  readonly url: RelayUrl
  readonly state: 'connecting' | 'open' | 'down'
  readonly roads: readonly Road[]
  readonly since: UnixMs
  /** Why it is not open; or what it refused us last, while it has taken nothing since. For a person. */
  readonly reason?: string
  readonly authed: boolean
  readonly received: number
  readonly published: number
  readonly refused: number
  /** Milliseconds from an event's created_at to its arrival, of the last one. */
  readonly lagMs?: number
}

/** A set of relays: takes in and sends out. It never says "delivered". */
export interface Transport {
  /** Runs until `signal` aborts; reconnects for ever. */
  run(signal: AbortSignal): Promise<void>
  /** Sends to every relay named. Resolves with the first OK true, or with all answers when none said so. */
  publish(event: NostrEvent, relays: readonly RelayUrl[], signal: AbortSignal): Promise<RelayAnswer[]>
  /** Relays that can be written to on this road. */
  relaysFor(road: Road): RelayUrl[]
  status(): RelayStatus[]
  /** Resolves when a relay that can be written to on this road is open; at once when one is, or when `signal` aborts. */
  whenOpen(road: Road, signal: AbortSignal): Promise<void>
  /** The set of trusted keys has changed: ask for their events from now on. */
  trustChanged(): void
  /** Reads again everything within the outbox's age: what was refused under another configuration may be right now. */
  rereadAll(): void
}

/** What a local port answers. */
export type Delivered = 'accepted' | 'duplicate' | Refusal

export interface LocalPort {
  readonly name: PortName
  /** Runs until `signal` aborts; reconnects for ever. */
  run(signal: AbortSignal): Promise<void>
  /** Rejects with a Fault when the port is away: the pump tries again. */
  deliver(message: Message, signal: AbortSignal): Promise<Delivered>
  /** Resolves when the port is open; at once when it is, or when `signal` aborts. */
  whenOpen(signal: AbortSignal): Promise<void>
  status(): PortStatus
}

export interface PortStatus {
  readonly name: PortName
  readonly state: 'connecting' | 'open' | 'down'
  readonly since: UnixMs
  readonly reason?: string
  /** What the other side said of itself: session, version, mode. */
  readonly peer?: Record<string, string | number>
}

/** What the kapnetd port takes in. */
export interface LocalTxxm {
  readonly id: MessageId
  readonly txxm: Txxm | JsonObject
}

export type { EventId }
