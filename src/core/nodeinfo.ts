import { decode, npubEncode } from 'nostr-tools/nip19'
import type { NodeInfo } from './envelope-types.js'
import { isHex32 } from './names.js'
import { ok, refuse } from './refusal.js'
import type { Result } from './refusal.js'
import type { EventTemplate, NostrEvent, Pubkey, UnixSec } from './types.js'
import { KAPNET_RELEASE, WIRE_KIND, WIRE_VERSION } from './wire.js'

/** Node-info: what a Herm says of itself (wire.md 2.5), and the two written forms of a key. */

/** NIP-19. */
export const npubOf = (key: Pubkey): string => npubEncode(key)

const NPUB = /^npub1[02-9ac-hj-np-z]{58}$/

/** A key from 64 lowercase hex or from an npub with a good checksum; undefined for anything else. */
export const keyOf = (npubOrHex: string): Pubkey | undefined => {
  if (isHex32(npubOrHex)) return npubOrHex as Pubkey
  if (!NPUB.test(npubOrHex)) return undefined
  try {
    const decoded = decode(npubOrHex)
    return decoded.type === 'npub' ? (decoded.data as Pubkey) : undefined
  } catch {
    // The library's only way to say that the checksum is wrong.
    return undefined
  }
}

/** The event that advertises a Herm. Until `expiresAt` it counts as fresh (NIP-40). */
export const nodeInfoTemplate = (info: NodeInfo, createdAt: UnixSec, expiresAt: UnixSec): EventTemplate => {
  const labels = info.kor_namespaces.map((namespace) => ['l', namespace.toLowerCase(), 'kor'])
  const { id, npub, endpoint, capabilities, kor_namespaces, status, ...optional } = info
  const members = { id, npub, endpoint, capabilities, kor_namespaces, status, ...optional }
  return {
    kind: WIRE_KIND,
    created_at: createdAt,
    tags: [
      ['d', `ksp-service:${id}`],
      ['t', 'kapnet'],
      ['t', 'ksp-service'],
      ...(labels.length === 0 ? [] : [['L', 'kor'], ...labels]),
      ['expiration', String(expiresAt)],
    ],
    content: JSON.stringify({ kapnet: KAPNET_RELEASE, type: 'ksp-service', version: WIRE_VERSION, ...members }),
  }
}

/** `bad-schema` unless `npub` is the key that signed. Any `d` will do: older Herms write `node-info`. */
export const checkNodeInfo = (event: Pick<NostrEvent, 'pubkey'>, info: NodeInfo): Result<void> => {
  const key = keyOf(info.npub)
  if (key === undefined) return refuse('bad-schema', 'npub has a wrong checksum')
  return key === event.pubkey ? ok(undefined) : refuse('bad-schema', 'npub is not the key of the event')
}
