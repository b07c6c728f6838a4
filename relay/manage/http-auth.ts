import { checkEventShape, eventId, tagValue } from '../../src/core/event.js'
import type { Hashes } from '../../src/core/hashes.js'
import type { NostrEvent, Pubkey, UnixSec } from '../../src/core/types.js'
import { normalRelayUrl } from '../server/place.js'
import { isShallow } from './json-depth.js'

/** NIP-98, as strict as NIP-86 wants it: `payload` is required, and an event works once. */

const HTTP_AUTH = 27_235
/** How far created_at may be from our clock, either way. */
export const HTTP_AUTH_WINDOW_SEC = 60
const MAX_HEADER_CHARS = 12_000

/** The event of an `Authorization: Nostr BASE64` header, for its form only. */
export const eventOfHeader = (header: string | undefined): NostrEvent | undefined => {
  if (header === undefined || header.length > MAX_HEADER_CHARS) return undefined
  const base64 = /^Nostr +([A-Za-z0-9+/_-]+={0,2})$/i.exec(header)?.[1]
  if (base64 === undefined) return undefined
  const text = Buffer.from(base64, 'base64').toString('utf8')
  if (!isShallow(text)) return undefined
  try {
    const shaped = checkEventShape(JSON.parse(text))
    return shaped.ok ? shaped.value : undefined
  } catch {
    return undefined
  }
}

export interface HttpAuthContext {
  readonly method: string
  /** Whether a normalised ws:// or wss:// URL is this relay's. */
  readonly isOurs: (url: string) => boolean
  readonly isAdmin: (key: Pubkey) => boolean
  readonly now: UnixSec
  /** Of this run: what was signed before may have been used before. */
  readonly startedAt: UnixSec
  readonly hashes: Hashes
}

export interface HttpRefusal {
  readonly status: 401 | 403
  readonly words: string
}
const no = (words: string): HttpRefusal => ({ status: 401, words })

/** All but the signature, which is dear and comes after; and the body, which is read last. Undefined: no objection. */
export const refuseHttpAuth = (event: NostrEvent, context: HttpAuthContext): HttpRefusal | undefined => {
  if (event.kind !== HTTP_AUTH) return no(`the event is not of kind ${HTTP_AUTH}`)
  if (Math.abs(event.created_at - context.now) > HTTP_AUTH_WINDOW_SEC || event.created_at < context.startedAt) {
    return no(`created_at is more than ${HTTP_AUTH_WINDOW_SEC} s from this relay's clock, or before its start`)
  }
  if (tagValue(event, 'method') !== context.method) return no('the method tag is not the method of the request')
  if (!isOwnUrl(tagValue(event, 'u') ?? '', context.isOurs)) return no('the u tag is not the URL of this relay')
  if (!/^[0-9a-f]{64}$/.test(tagValue(event, 'payload') ?? '')) return no('the payload tag is missing')
  if (!context.isAdmin(event.pubkey)) return { status: 403, words: 'this key does not manage this relay' }
  if (eventId(event, context.hashes) !== event.id) return no('the id is not the hash of the event')
  return undefined
}

/** NIP-98 has the URL of the request, NIP-86 that of the relay: the scheme may be either's, the rest is the same. */
const isOwnUrl = (text: string, isOurs: (url: string) => boolean): boolean => {
  if (text.includes('?') || text.includes('#')) return false
  const url = normalRelayUrl(text.replace(/^http(s?):/i, 'ws$1:'))
  return url !== undefined && isOurs(url)
}

export const coversBody = (event: NostrEvent, body: Uint8Array, hashes: Hashes): boolean =>
  tagValue(event, 'payload') === Buffer.from(hashes.sha256(body)).toString('hex')

/** Events that were used, for as long as they would be accepted again. */
export interface UsedOnce {
  /** False: it was used, or there is no room to remember it. */
  use(id: string, now: UnixSec): boolean
}

/** More calls than admins can make in a window. */
export const MAX_USED = 10_000

/** Where they outlive this run: an event may be dated ahead, and so be good after the next start. May throw where the disk fails. */
export interface UsedBefore {
  entries(): readonly (readonly [id: string, until: string])[]
  put(id: string, until: string): void
  drop(ids: readonly string[]): void
}

const NOWHERE: UsedBefore = { entries: () => [], put: () => undefined, drop: () => undefined }

export const openUsedOnce = (max = MAX_USED, before: UsedBefore = NOWHERE): UsedOnce => {
  const kept = before.entries().map(([id, until]) => [id, Number(until)] as const)
  // Oldest first, as they are forgotten.
  const used = new Map<string, number>([...kept].sort(([, a], [, b]) => a - b))
  return {
    use: (id, now) => {
      const over: string[] = []
      for (const [old, until] of used) {
        if (until >= now) break
        over.push(old)
      }
      for (const old of over) used.delete(old)
      if (over.length > 0) before.drop(over)
      if (used.has(id) || used.size >= max) return false
      // created_at may be as far ahead as behind.
      const until = now + 2 * HTTP_AUTH_WINDOW_SEC
      used.set(id, until)
      before.put(id, String(until))
      return true
    },
  }
}
