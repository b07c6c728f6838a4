import type { NodeInfo } from '../core/envelope-types.js'
import { nodeInfoTemplate } from '../core/nodeinfo.js'
import type { EventTemplate, RelayUrl, UnixSec } from '../core/types.js'

/** The events that make a key known: who it is, where it reads and writes, where it takes direct messages. */

export const PROFILE_KIND = 0
export const RELAY_LIST_KIND = 10_002
export const DM_RELAYS_KIND = 10_050

/** NIP-01 and NIP-24: `bot` tells clients that no person writes here. */
export const profileTemplate = (
  profile: { readonly name: string; readonly about?: string; readonly nip05?: string },
  createdAt: UnixSec,
): EventTemplate => ({
  kind: PROFILE_KIND,
  created_at: createdAt,
  tags: [],
  content: JSON.stringify({ ...profile, bot: true }),
})

/** NIP-65: a tag without a third word means read and write. */
export const relayListTemplate = (
  relays: readonly { readonly url: RelayUrl; readonly read: boolean; readonly write: boolean }[],
  createdAt: UnixSec,
): EventTemplate => ({
  kind: RELAY_LIST_KIND,
  created_at: createdAt,
  tags: relays.map(({ url, read, write }) => (read && write ? ['r', url] : ['r', url, read ? 'read' : 'write'])),
  content: '',
})

/** NIP-17: gift wraps go to these relays and to no others. */
export const dmRelaysTemplate = (urls: readonly RelayUrl[], createdAt: UnixSec): EventTemplate => ({
  kind: DM_RELAYS_KIND,
  created_at: createdAt,
  tags: urls.map((url) => ['relay', url]),
  content: '',
})

export interface Identity {
  readonly name: string
  readonly about?: string
  readonly relays: readonly { readonly url: RelayUrl; readonly read: boolean; readonly write: boolean }[]
  /** None: kind 10050 is left out, which tells others that this key takes no direct messages (wire.md 4). */
  readonly dmRelays: readonly RelayUrl[]
  /** Of a Herm; others have none. */
  readonly nodeInfo?: { readonly info: NodeInfo; readonly expiresAt: UnixSec }
}

/** All of them, in the order in which they are published. */
export const identityTemplates = (identity: Identity, createdAt: UnixSec): EventTemplate[] => {
  const { name, about, relays, dmRelays, nodeInfo } = identity
  return [
    profileTemplate({ name, ...(about === undefined ? {} : { about }) }, createdAt),
    ...(relays.length === 0 ? [] : [relayListTemplate(relays, createdAt)]),
    ...(dmRelays.length === 0 ? [] : [dmRelaysTemplate(dmRelays, createdAt)]),
    ...(nodeInfo === undefined ? [] : [nodeInfoTemplate(nodeInfo.info, createdAt, nodeInfo.expiresAt)]),
  ]
}
