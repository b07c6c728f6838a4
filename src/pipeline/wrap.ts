import { writeEnvelope } from '../core/envelope.js'
import type { Txxm } from '../core/envelope-types.js'
import type { Hashes } from '../core/hashes.js'
import { encTags, txxmTags, WIRE_KINDS } from '../core/tags.js'
import type { Destination, NostrEvent, Pubkey, Road, UnixSec } from '../core/types.js'
import type { Message, Signer } from '../ports.js'

export interface WrapOptions {
  readonly signer: Signer
  readonly hashes: Hashes
  /** 32 bytes that never leave this Herm. */
  readonly tagSecret: Uint8Array
}

/**
 * The event that carries a message to one destination (wire.md 3, 4). Every call makes a new event, but its `d` is the
 * same for the same message and destination: on a relay a retry replaces the try before, so that a peer which sleeps for
 * a week finds one copy and not hundreds. On the nip44 road `d` looks random and tells nothing, being keyed.
 */
export const wrap = async (
  message: Message,
  to: Destination,
  road: Road,
  createdAt: UnixSec,
  expiration: UnixSec,
  o: WrapOptions,
): Promise<NostrEvent> => {
  const envelope = writeEnvelope({
    type: 'txxm-envelope',
    bodyText: message.body,
    sha256: message.id,
    ...(message.attestation === undefined ? {} : { attestation: message.attestation }),
  })
  const kind = WIRE_KINDS.public
  if (road === 'nip44') {
    const peer = to as Pubkey
    const random = o.hashes.sha256(`${Buffer.from(o.tagSecret).toString('hex')}:${message.id}:${peer}`).subarray(0, 16)
    const content = await o.signer.nip44Encrypt(peer, envelope)
    return o.signer.signEvent({ kind, created_at: createdAt, tags: encTags({ random, to: peer, expiration }), content })
  }
  const txxm = JSON.parse(message.body) as Txxm
  const tags = txxmTags(
    {
      id: message.id,
      txxm,
      ...(to === 'gossip' ? {} : { to: to as Pubkey }),
      ...(to === 'gossip' ? {} : { expiration }),
    },
    o.hashes,
  )
  return o.signer.signEvent({ kind, created_at: createdAt, tags, content: envelope })
}
