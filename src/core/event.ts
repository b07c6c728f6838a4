import type { Hashes } from './hashes.js'
import { isHex32, isHex64 } from './names.js'
import { ok, refuse } from './refusal.js'
import type { Result } from './refusal.js'
import type { EventId, EventTemplate, NostrEvent, Proof, Pubkey, Signature, UnixSec } from './types.js'
import { isWellFormed } from './well-formed.js'

/** NIP-01: the id of an event and the shape of one. */

export const MAX_TAGS = 2_000
export const MAX_STRINGS_PER_TAG = 100

/** What an id commits to. JSON.stringify escapes exactly what NIP-01 lists, and other control characters as all do. */
export const serializeEvent = (e: EventTemplate & { readonly pubkey: Pubkey }): string =>
  JSON.stringify([0, e.pubkey, e.created_at, e.kind, e.tags, e.content])

export const eventId = (e: EventTemplate & { readonly pubkey: Pubkey }, hashes: Hashes): EventId =>
  hashes.sha256Hex(serializeEvent(e)) as EventId

/**
 * `bad-event` unless every member has its type and form. The answer is a new object with the seven members of NIP-01 and
 * no other, so that nothing an attacker added travels on. Neither the id nor the signature is checked here.
 */
export const checkEventShape = (x: unknown): Result<NostrEvent> => {
  if (typeof x !== 'object' || x === null) return refuse('bad-event', 'not an object')
  const { id, pubkey, created_at, kind, tags, content, sig } = x as Record<string, unknown>
  if (typeof id !== 'string' || !isHex32(id)) return refuse('bad-event', 'id is not 64 lowercase hex')
  if (typeof pubkey !== 'string' || !isHex32(pubkey)) return refuse('bad-event', 'pubkey is not 64 lowercase hex')
  if (typeof sig !== 'string' || !isHex64(sig)) return refuse('bad-event', 'sig is not 128 lowercase hex')
  if (!isCount(created_at)) return refuse('bad-event', 'created_at is not a whole number of seconds')
  if (!isCount(kind) || kind > 65_535) return refuse('bad-event', 'kind is not a number from 0 to 65535')
  // A lone surrogate has no UTF-8 form: what is hashed here and what the next one reads would differ.
  if (typeof content !== 'string' || !isWellFormed(content)) return refuse('bad-event', 'content is not a text')
  const copied = copyTags(tags)
  if (typeof copied === 'string') return refuse('bad-event', copied)
  return ok({
    id: id as EventId,
    pubkey: pubkey as Pubkey,
    // Plus 0 makes a 0 of -0, which JSON can say and an id can't.
    created_at: (created_at + 0) as UnixSec,
    kind: kind + 0,
    tags: copied,
    content,
    sig: sig as Signature,
  })
}

const isCount = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) >= 0

/** A copy, or what is wrong. */
const copyTags = (tags: unknown): string[][] | string => {
  if (!Array.isArray(tags)) return 'tags is not a list'
  if (tags.length > MAX_TAGS) return `more than ${MAX_TAGS} tags`
  const copies: string[][] = []
  for (const tag of tags as unknown[]) {
    if (!Array.isArray(tag) || tag.length === 0) return 'a tag is not a list of strings'
    if (tag.length > MAX_STRINGS_PER_TAG) return `more than ${MAX_STRINGS_PER_TAG} strings in a tag`
    const copy: string[] = []
    for (const part of tag as unknown[]) {
      if (typeof part !== 'string' || !isWellFormed(part)) return 'a tag is not a list of strings'
      copy.push(part)
    }
    copies.push(copy)
  }
  return copies
}

/** The signature to verify. The digest is the id as it stands: recompute the id (`eventId`) before you rely on it. */
export const proofOf = (e: NostrEvent): Proof => ({ digest: e.id, pubkey: e.pubkey, sig: e.sig })

/** The value (second string) of the first tag of this name that has one. */
export const tagValue = (e: Pick<EventTemplate, 'tags'>, name: string): string | undefined => {
  for (const tag of e.tags) if (tag[0] === name && tag[1] !== undefined) return tag[1]
  return undefined
}

/** The values of all tags of this name, in their order; tags without a value are left out. */
export const tagValues = (e: Pick<EventTemplate, 'tags'>, name: string): string[] => {
  const values: string[] = []
  for (const tag of e.tags) if (tag[0] === name && tag[1] !== undefined) values.push(tag[1])
  return values
}
