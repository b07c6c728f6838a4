import { DEPENDENCY_KINDS } from './envelope-types.js'
import type { Dependency } from './envelope-types.js'
import type { Hashes } from './hashes.js'
import { bytesOf, hexOf } from './hex.js'
import type { KapExtension } from './kap-bytes.js'
import { kapReader } from './kap-reader.js'
import type { KapReader } from './kap-reader.js'
import { kapWriter } from './kap-writer.js'
import type { KapWriter } from './kap-writer.js'
import { ok, refuse } from './refusal.js'
import type { Result } from './refusal.js'
import type { Hex32 } from './types.js'

/**
 * KAP-010, the TXXM envelope as canonical bytes (KAP-003). These bytes and their id are not on the wire in version 1
 * (wire.md 1); they are what a Kapnet daemon may keep, and what vectors of the codec are made of.
 *
 * The KAP leaves some things open. Ours: dependency_count is a compact count, payload_length a u64, the hash SHA-256,
 * type_tag 0x0001 version 1, and signature_scheme 0x0001 BIP-340 over secp256k1 with a 32-byte x-only sender_key and a
 * 64-byte signature over SHA-256 of the preimage. The extension section is always there, `00` when empty, and ascends by
 * tag, so that there is exactly one encoding.
 */

export const KAP_TYPE_TXXM = 0x0001
export const KAP_VERSION = 1
export const KAP_SCHEME_BIP340 = 0x0001

/** Ours, policy-local: room for about 1,900 dependencies. */
export const MAX_KAP_TXXM_BYTES = 65_536

/** settlement_hint_flags, KAP-010. Bits without a name are kept as they are. */
export const KAP_FLAGS = {
  anchorable: 1 << 0,
  requestsReceipt: 1 << 1,
  maySettleExternally: 1 << 2,
  archivedRetrieval: 1 << 3,
  referencesWeakwork: 1 << 4,
  referencesHeavyAuxProof: 1 << 5,
} as const

/** KAP-010's fields by their names, without the signature. u64 is bigint; times are Unix seconds. */
export interface KapFields {
  readonly network_id: number
  readonly message_class: number
  readonly namespace_id: Hex32
  /** x-only, which is a Nostr key. */
  readonly sender_key: Hex32
  readonly nonce: bigint
  readonly created_at: bigint
  readonly valid_from: bigint
  readonly valid_until: bigint
  readonly dependencies: readonly Dependency[]
  /** Commits to the payload, which is not in these bytes. */
  readonly payload_hash: Hex32
  readonly payload_length: bigint
  readonly postage_class: number
  readonly postage_limit: bigint
  readonly settlement_hint_flags: number
  /** Zeroes if there are no attachments. */
  readonly attachment_root: Hex32
  readonly signature_scheme: number
  /** Absent means none. Written in ascending order of tag. */
  readonly extensions?: readonly KapExtension[]
}

export interface KapTxxm extends KapFields {
  /** 64 bytes, lowercase hex. */
  readonly signature: string
}

/** The full canonical bytes. Throws a RangeError for fields that have no encoding or that the decoder would refuse. */
export const encodeKapTxxm = (txxm: KapTxxm): Uint8Array => write(txxm, txxm.signature)

/** Every field but `signature`: SHA-256 of it is what the sender signs (KAP-010). */
export const kapPreimage = (fields: KapFields): Uint8Array => write(fields, undefined)

/** KAP-010's object id: SHA-256 of the full canonical bytes, signature included. Not the TXXM id of the wire contract. */
export const kapObjectId = (bytes: Uint8Array, hashes: Hashes): Hex32 => hashes.sha256Hex(bytes)

const write = (f: KapFields, signature: string | undefined): Uint8Array => {
  if (f.signature_scheme !== KAP_SCHEME_BIP340) throw new RangeError('an unknown signature scheme')
  const why = contradictionIn(f)
  if (why !== undefined) throw new RangeError(why)
  const w = kapWriter()
  w.u16(KAP_TYPE_TXXM)
  w.u16(KAP_VERSION)
  w.u32(f.network_id)
  w.u16(f.message_class)
  writeHex(w, f.namespace_id, 32)
  writeHex(w, f.sender_key, 32)
  w.u64(f.nonce)
  w.u64(f.created_at)
  w.u64(f.valid_from)
  w.u64(f.valid_until)
  w.list(f.dependencies, (dependency) => {
    w.u8(DEPENDENCY_KINDS.indexOf(dependency.kind))
    writeHex(w, dependency.hash, 32)
  })
  writeHex(w, f.payload_hash, 32)
  w.u64(f.payload_length)
  w.u16(f.postage_class)
  w.u64(f.postage_limit)
  w.u16(f.settlement_hint_flags)
  writeHex(w, f.attachment_root, 32)
  w.u16(f.signature_scheme)
  if (signature !== undefined) writeHex(w, signature, 64)
  w.extensions(f.extensions ?? [])
  const bytes = w.finish()
  if (bytes.length > MAX_KAP_TXXM_BYTES) throw new RangeError(`more than ${MAX_KAP_TXXM_BYTES} bytes`)
  return bytes
}

const writeHex = (w: KapWriter, hex: string, length: number): void => {
  const bytes = bytesOf(hex)
  if (bytes === undefined) throw new RangeError('not lowercase hex')
  w.fixed(bytes, length)
}

/**
 * Refuses with `bad-schema` what is no TXXM or not in its one encoding; with `unsupported-version` what a later version
 * may have meant (version, signature scheme, critical extension); with `too-large` what is above our limit. That the
 * signature and the payload's hash hold is for the caller to check.
 */
export const decodeKapTxxm = (bytes: Uint8Array): Result<KapTxxm> => {
  if (bytes.length > MAX_KAP_TXXM_BYTES) return refuse('too-large', `more than ${MAX_KAP_TXXM_BYTES} bytes`)
  const r = kapReader(bytes)
  const typeTag = r.u16()
  if (!r.failed && typeTag !== KAP_TYPE_TXXM) r.fail('the type tag is not that of a TXXM')
  const version = r.u16()
  if (!r.failed && version !== KAP_VERSION) r.fail(`version ${version}`, 'unknown')
  const txxm = readFields(r)
  const failure = r.done()
  if (failure !== undefined) {
    return refuse(failure.kind === 'unknown' ? 'unsupported-version' : 'bad-schema', `KAP-010: ${failure.why}`)
  }
  const why = contradictionIn(txxm)
  return why === undefined ? ok(txxm) : refuse('bad-schema', `KAP-010: ${why}`)
}

/** The members stand in the order of the bytes: they are evaluated as they are written here. */
const readFields = (r: KapReader): KapTxxm => ({
  network_id: r.u32(),
  message_class: r.u16(),
  namespace_id: readHash(r),
  sender_key: readHash(r),
  nonce: r.u64(),
  created_at: r.u64(),
  valid_from: r.u64(),
  valid_until: r.u64(),
  dependencies: r.list(33, () => readDependency(r)),
  payload_hash: readHash(r),
  payload_length: r.u64(),
  postage_class: r.u16(),
  postage_limit: r.u64(),
  settlement_hint_flags: r.u16(),
  attachment_root: readHash(r),
  signature_scheme: readScheme(r),
  signature: hexOf(r.fixed(64)),
  extensions: r.extensions(),
})

const readHash = (r: KapReader): Hex32 => hexOf(r.fixed(32))

const readDependency = (r: KapReader): Dependency => {
  const kind = DEPENDENCY_KINDS[r.u8()]
  if (kind === undefined) r.fail('an unknown dependency kind')
  return { kind: kind ?? 'causal-parent', hash: readHash(r) }
}

/** Without the scheme the width of the signature is unknown, and with it everything that follows. */
const readScheme = (r: KapReader): number => {
  const scheme = r.u16()
  if (!r.failed && scheme !== KAP_SCHEME_BIP340) r.fail(`signature scheme ${scheme}`, 'unknown')
  return scheme
}

/** What makes whole fields invalid (KAP-010), or undefined. */
const contradictionIn = (f: KapFields): string | undefined => {
  if (f.valid_until < f.valid_from) return 'valid_until before valid_from'
  const seen = new Set(f.dependencies.map(({ kind, hash }) => `${kind} ${hash}`))
  return seen.size === f.dependencies.length ? undefined : 'a dependency twice'
}
