import { canonical } from './canonical.js'
import type { Txxm } from './envelope-types.js'
import type { Hashes } from './hashes.js'
import { KAP_FLAGS, KAP_SCHEME_BIP340 } from './kap.js'
import type { KapFields } from './kap.js'
import { namespaceId } from './kor.js'
import { ok, refuse } from './refusal.js'
import type { Result } from './refusal.js'
import { utf8Length } from './text.js'
import type { JsonValue } from './types.js'

/**
 * KAP-010 leaves the registry of message classes open; these numbers are ours. A type without one has no KAP-010 form until
 * it gets a number: to guess would be to give two types one object id.
 */
export const KAP_MESSAGE_CLASSES: ReadonlyMap<string, number> = new Map([
  ['submission', 1],
  ['validation', 2],
  ['vote', 3],
  ['governance', 4],
  ['receipt', 5],
  ['signal', 6],
])

const NO_ATTACHMENTS = '0'.repeat(64)
/** The largest u64: valid for ever. */
const FOR_EVER = 0xffffffffffffffffn

/**
 * The KAP-010 fields that say what the body of a TXXM says (wire.md 2.1). Our choices where a body is silent: network 0,
 * created_at 0, valid_from = created_at, valid_until for ever, no postage; attachment_root is SHA-256 of the canonical JSON of
 * `attachments`. `bad-schema` for a body without sender or nonce, with an unknown type, or that is never valid. The `action`,
 * `source_kor` and `audience` have no field in KAP-010: the object id does not commit to them, the TXXM id does.
 */
export const toKap = (txxm: Txxm, hashes: Hashes): Result<KapFields> => {
  const { sender, nonce } = txxm
  const messageClass = KAP_MESSAGE_CLASSES.get(txxm.type)
  if (sender === undefined || nonce === undefined) return refuse('bad-schema', 'no sender or nonce')
  if (messageClass === undefined) return refuse('bad-schema', `type ${txxm.type} has no KAP-010 message class`)
  const createdAt = BigInt(txxm.created_at ?? 0)
  const validFrom = txxm.valid_from === undefined ? createdAt : BigInt(txxm.valid_from)
  const validUntil = txxm.valid_until === undefined ? FOR_EVER : BigInt(txxm.valid_until)
  if (validUntil < validFrom) return refuse('bad-schema', 'valid_until before valid_from')
  const payload = canonical(txxm.payload)
  const attachments = txxm.attachments ?? []
  return ok({
    network_id: txxm.network_id ?? 0,
    message_class: messageClass,
    namespace_id: namespaceId(txxm.target_kor, hashes),
    sender_key: sender,
    nonce: BigInt(nonce),
    created_at: createdAt,
    valid_from: validFrom,
    valid_until: validUntil,
    // Unknown members of a dependency are hashed with the body; KAP-010 has no place for them.
    dependencies: (txxm.dependencies ?? []).map(({ kind, hash }) => ({ kind, hash })),
    payload_hash: hashes.sha256Hex(payload),
    payload_length: BigInt(utf8Length(payload)),
    postage_class: 0,
    postage_limit: 0n,
    settlement_hint_flags: txxm.request_receipt === true ? KAP_FLAGS.requestsReceipt : 0,
    attachment_root:
      attachments.length === 0 ? NO_ATTACHMENTS : hashes.sha256Hex(canonical(attachments as unknown as JsonValue)),
    signature_scheme: KAP_SCHEME_BIP340,
    extensions: [],
  })
}
