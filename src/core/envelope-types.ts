import type { EventId, HermId, Hex32, JsonObject, JsonValue, MessageId, Pubkey, Signature, UnixSec } from './types.js'

/** What an envelope holds, by type: the members of wire.md section 2. Unknown members are kept (they are hashed). */

export interface Attestation {
  readonly pubkey: Pubkey
  readonly created_at: UnixSec
  readonly sig: Signature
}

/** Names as in KAP-010; the numbers are in `kap.ts`. */
export const DEPENDENCY_KINDS = [
  'causal-parent',
  'state-root',
  'braid-tip',
  'knot',
  'market-receipt',
  'capability',
] as const
export interface Dependency {
  readonly kind: (typeof DEPENDENCY_KINDS)[number]
  readonly hash: Hex32
}

/** In every body that we emit; also accepted without `sender` and `nonce` from older Herms. */
interface Authored {
  readonly sender?: Pubkey
  /** A random u64 as a decimal string. */
  readonly nonce?: string
  /** 1-32 keys. */
  readonly audience?: readonly Pubkey[]
}

/** wire.md 2.1 */
export interface Txxm extends Authored {
  readonly type: string
  readonly action: string
  readonly target_kor: string
  readonly source_kor: string
  readonly payload: JsonObject
  readonly network_id?: number
  readonly created_at?: UnixSec
  readonly valid_from?: UnixSec
  readonly valid_until?: UnixSec
  readonly dependencies?: readonly Dependency[]
  readonly request_receipt?: boolean
  readonly attachments?: readonly { readonly sha256: Hex32; readonly size: number; readonly url?: string }[]
}

/** wire.md 2.2 */
export interface Task extends Authored {
  readonly task_id: string
  readonly from: string
  readonly to: string
  readonly payload: JsonObject
  readonly title?: string
  readonly capability?: string
  readonly priority?: number
  readonly created_at?: UnixSec
  readonly deadline?: UnixSec
  readonly reply_to?: string
}

/** wire.md 2.3 */
export interface TaskResult extends Authored {
  readonly task_id: string
  readonly status: 'completed' | 'failed' | 'rejected' | 'expired'
  readonly agent: string
  readonly result?: JsonObject
  readonly error?: { readonly code: string; readonly message: string }
  readonly finished_at: UnixSec
}

export type ReceiptStage = 'stored' | 'done'

/** wire.md 2.4 */
export interface Receipt extends Authored {
  readonly event: EventId
  readonly ref?: MessageId
  readonly status: 'accepted' | 'duplicate' | 'rejected' | 'expired'
  readonly stage?: ReceiptStage
  readonly code?: string
  readonly message?: string
  readonly at: UnixSec
  readonly braid?: { readonly root: Hex32; readonly count: number }
  readonly missing?: readonly (readonly [number, number])[]
}

/** wire.md 2.5: its members stand beside `type`; no body key, no sha256. */
export interface NodeInfo {
  readonly id: HermId
  readonly npub: string
  readonly endpoint: string
  readonly capabilities: readonly string[]
  readonly kor_namespaces: readonly string[]
  readonly status: 'active' | 'draining' | 'offline'
  readonly relays?: readonly string[]
  readonly transports?: readonly string[]
  readonly limits?: { readonly max_envelope_bytes?: number }
  readonly software?: { readonly name: string; readonly version: string }
  readonly agents?: readonly string[]
  readonly task_capabilities?: readonly string[]
}

/** wire.md 2.6 */
export interface Fragment {
  readonly of: Hex32
  readonly index: number
  readonly count: number
  /** base64 */
  readonly data: string
}

/** The types with a body and a sha256, and the key that holds the body. */
export const BODY_KEYS = {
  'txxm-envelope': 'txxm',
  'task-envelope': 'task',
  'task-result': 'result',
  receipt: 'receipt',
  fragment: 'fragment',
  braid: 'braid',
  heartbeat: 'heartbeat',
  knot: 'knot',
} as const

export type BodyType = keyof typeof BODY_KEYS

interface Hashed<T extends BodyType, B> {
  readonly type: T
  readonly body: B
  /** RFC 8785 text of the body: what `sha256` is over, and what is stored and sent. */
  readonly bodyText: string
  readonly sha256: Hex32
  readonly attestation?: Attestation
}

/** An envelope that was read and is whole: JSON, type, version, schema and sha256 hold. Nobody has vouched for it yet. */
export type Envelope =
  | Hashed<'txxm-envelope', Txxm>
  | Hashed<'task-envelope', Task>
  | Hashed<'task-result', TaskResult>
  /** `receipt` and `receipts` alike: always a list of 1-100; `bodyText` is of whichever stood there. */
  | Hashed<'receipt', readonly Receipt[]>
  | Hashed<'fragment', Fragment>
  | Hashed<'braid' | 'heartbeat' | 'knot', JsonObject>

/** What the content of an event turned out to be. An unknown type is ignored and counted (wire.md 2). */
export type Content =
  | Envelope
  | { readonly type: 'ksp-service'; readonly info: NodeInfo }
  | { readonly type: 'unknown'; readonly name: string }

export type { JsonObject, JsonValue }
