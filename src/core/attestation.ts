import type { Attestation, BodyType } from './envelope-types.js'
import { eventId } from './event.js'
import type { Hashes } from './hashes.js'
import type { EventTemplate, Hex32, NostrEvent, Proof, UnixSec } from './types.js'

/**
 * The author's signature on a message, whoever carries it (wire.md 2). It is the signature of a Nostr event that is never
 * published: it names the envelope type and the sha256 and nothing else, so any Nostr signer can make it and any Nostr
 * tool can check it.
 */

/** Never published; NIP-01 class regular. */
export const ATTESTATION_KIND = 78

/** What a signer signs. Its `attestationOf` stands in the envelope. */
export const attestationTemplate = (type: BodyType, sha256: Hex32, createdAt: UnixSec): EventTemplate => ({
  kind: ATTESTATION_KIND,
  created_at: createdAt,
  tags: [
    ['t', 'kapnet'],
    ['t', 'attestation'],
    // The type is signed too: or a signature for one kind of message would hold for another with the same body.
    ['k', type],
    ['x', sha256],
  ],
  content: '',
})

/** The signature to verify: BIP-340 by the attestation's key over the id of the event that it stands for. */
export const attestationProof = (
  type: BodyType,
  sha256: Hex32,
  { pubkey, created_at, sig }: Attestation,
  hashes: Hashes,
): Proof => ({
  digest: eventId({ ...attestationTemplate(type, sha256, created_at), pubkey }, hashes),
  pubkey,
  sig,
})

/** What is left of the signed template once it is in an envelope: the rest can be built again. */
export const attestationOf = ({ pubkey, created_at, sig }: NostrEvent): Attestation => ({ pubkey, created_at, sig })
