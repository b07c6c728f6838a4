import { canonical } from './canonical.js'
import type { Envelope, Txxm } from './envelope-types.js'
import { tagValues } from './event.js'
import type { Hashes } from './hashes.js'
import { hexOf } from './hex.js'
import { namespaceId } from './kor.js'
import { keyOf } from './nodeinfo.js'
import { ok, refuse } from './refusal.js'
import type { Result } from './refusal.js'
import type { EventId, EventTemplate, Hex32, MessageId, Pubkey, UnixSec } from './types.js'
import { WIRE_KINDS } from './wire.js'

/**
 * The tags of what we emit (wire.md 3). Kind 30078 and the Kapnet kinds are addressable, the same author, kind and `d`
 * replaces: so each `d` is unique to (message, destination).
 */

export { WIRE_KIND, WIRE_KINDS } from './wire.js'

/** What tells destinations apart in a `d`: the first 16 hex characters of the key. */
export const p16 = (key: Pubkey): string => key.slice(0, 16)

/** Reading an npub is dear, and this runs before a signature has held. Older Herms write one or a few. */
const MAX_NPUBS = 32

/**
 * Whom the event is addressed to. An npub is also accepted (wire.md 1), the first 32 of them; anything else is no address.
 */
export const pKeys = (event: Pick<EventTemplate, 'tags'>): Pubkey[] => {
  const keys = new Set<Pubkey>()
  let npubs = 0
  for (const value of tagValues(event, 'p')) {
    if (value.startsWith('npub') && ++npubs > MAX_NPUBS) continue
    const key = keyOf(value)
    if (key !== undefined) keys.add(key)
  }
  return [...keys]
}

const KAPNET = ['t', 'kapnet']
const kTag = (type: keyof typeof WIRE_KINDS.private): string[] => ['k', String(WIRE_KINDS.private[type])]
const expirationTag = (expiration: UnixSec | undefined): string[][] =>
  expiration === undefined ? [] : [['expiration', String(expiration)]]

/** KAP-100, whose `id` is the TXXM id here (wire.md 1). */
const kapTags = (id: MessageId, txxm: Txxm, hashes: Hashes): string[][] => [
  ['kap', 'txxm'],
  ['id', id],
  ['class', txxm.type],
  ['ns', namespaceId(txxm.target_kor, hashes)],
  ['payload', hashes.sha256Hex(canonical(txxm.payload))],
]

/** With `to`: addressed. What is addressed needs an `expiration`. */
export const txxmTags = (
  t: {
    readonly id: MessageId
    readonly txxm: Txxm
    readonly to?: Pubkey | undefined
    readonly expiration?: UnixSec | undefined
  },
  hashes: Hashes,
): string[][] => [
  ['d', t.to === undefined ? `txxm-${t.id}` : `txxm-${t.id}-${p16(t.to)}`],
  KAPNET,
  ['t', 'txxm'],
  ...(t.to === undefined ? [] : [['p', t.to]]),
  kTag('txxm-envelope'),
  ...kapTags(t.id, t.txxm, hashes),
  ...expirationTag(t.expiration),
]

interface AddressedMessage {
  readonly sha256: Hex32
  readonly to: Pubkey
  readonly expiration: UnixSec
}

export const taskTags = ({ sha256, to, expiration }: AddressedMessage): string[][] => [
  ['d', `task-${sha256}-${p16(to)}`],
  KAPNET,
  ['t', 'task'],
  ['p', to],
  kTag('task-envelope'),
  ...expirationTag(expiration),
]

export const resultTags = ({ sha256, to, expiration }: AddressedMessage): string[][] => [
  ['d', `result-${sha256}-${p16(to)}`],
  KAPNET,
  ['t', 'task-result'],
  ['p', to],
  kTag('task-result'),
  ...expirationTag(expiration),
]

/** `events`: each event that the receipt, or the list of them, answers. */
export const receiptTags = (r: {
  readonly sha256: Hex32
  readonly to: Pubkey
  readonly events: readonly EventId[]
  readonly expiration?: UnixSec | undefined
}): string[][] => [
  ['d', `receipt-${r.sha256}`],
  KAPNET,
  ['t', 'receipt'],
  ['p', r.to],
  kTag('receipt'),
  ...r.events.map((event) => ['e', event]),
  ...expirationTag(r.expiration),
]

export const fragmentTags = (f: {
  readonly of: Hex32
  readonly index: number
  readonly to: Pubkey
  readonly expiration: UnixSec
}): string[][] => [
  ['d', `frag-${f.of}-${f.index}-${p16(f.to)}`],
  KAPNET,
  ['t', 'fragment'],
  ['p', f.to],
  kTag('fragment'),
  ...expirationTag(f.expiration),
]

/** The nip44 form of any of them (wire.md 4): the tags tell nothing but the addressee. `random` is 16 bytes. */
export const encTags = (e: {
  readonly random: Uint8Array
  readonly to: Pubkey
  readonly expiration?: UnixSec | undefined
}): string[][] => [['d', `enc-${hexOf(e.random)}`], KAPNET, ['p', e.to], ...expirationTag(e.expiration)]

/**
 * `bad-schema` where a tag tells another story than the content: `d`, `id`, `ns`, `payload` and `class` must match where
 * they are present (wire.md 3), each time they are, and `kap` must name what this is (KAP-100). Tags that are absent are
 * also accepted, and so is `k`, which no receiver needs. For the nip44 form `d` tells nothing: there is nothing to match.
 */
export const checkTags = (event: Pick<EventTemplate, 'tags'>, content: Envelope, hashes: Hashes): Result<void> => {
  // What a tag must say is worked out when the first one asks: this is the hot path. And only once, or an event of 2,000
  // equal tags would cost 2,000 hashes of the payload.
  const wanted = new Map<string, readonly string[] | undefined>()
  for (const [name, value] of event.tags) {
    if (name === undefined || value === undefined || !CHECKED.has(name)) continue
    if (name === 'd' && value.startsWith('enc-')) continue
    if (!wanted.has(name)) wanted.set(name, allowed(name, event, content, hashes))
    if (wanted.get(name)?.includes(value) === false) {
      return refuse('bad-schema', `tag ${name} does not match the content`)
    }
  }
  return ok(undefined)
}

const CHECKED = new Set(['d', 'id', 'kap', 'class', 'ns', 'payload'])

/** The values that a tag of this name may have; undefined where the content says nothing about it. */
const allowed = (
  name: string,
  event: Pick<EventTemplate, 'tags'>,
  content: Envelope,
  hashes: Hashes,
): readonly string[] | undefined => {
  if (name === 'd') return allowedD(event, content)
  if (name === 'id') return [content.sha256]
  if (name === 'payload' && content.type === 'task-envelope') return [hashes.sha256Hex(canonical(content.body.payload))]
  if (content.type !== 'txxm-envelope') return undefined
  const { type, target_kor, payload } = content.body
  switch (name) {
    case 'kap':
      return ['txxm']
    case 'class':
      return [type]
    case 'ns':
      return [namespaceId(target_kor, hashes)]
    case 'payload':
      return [hashes.sha256Hex(canonical(payload))]
    default:
      return undefined
  }
}

const allowedD = (event: Pick<EventTemplate, 'tags'>, content: Envelope): readonly string[] | undefined => {
  const { sha256 } = content
  const to = (start: string): string[] => pKeys(event).map((key) => `${start}-${p16(key)}`)
  switch (content.type) {
    case 'txxm-envelope':
      return [`txxm-${sha256}`, ...to(`txxm-${sha256}`)]
    case 'task-envelope':
      return to(`task-${sha256}`)
    case 'task-result':
      return to(`result-${sha256}`)
    case 'receipt':
      return [`receipt-${sha256}`]
    case 'fragment':
      return to(`frag-${content.body.of}-${content.body.index}`)
    // wire.md gives these no `d` of their own.
    case 'braid':
    case 'heartbeat':
    case 'knot':
      return undefined
  }
}
