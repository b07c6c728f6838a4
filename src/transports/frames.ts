import type { NostrEvent } from '../core/types.js'
import type { Filter } from '../core/match.js'

/** What a relay says to its client (NIP-01, NIP-42). The event is still anything at all. */
export type RelayFrame =
  | { readonly type: 'event'; readonly sub: string; readonly event: unknown; readonly bytes: number }
  | { readonly type: 'ok'; readonly id: string; readonly ok: boolean; readonly message: string }
  | { readonly type: 'eose'; readonly sub: string }
  | { readonly type: 'closed'; readonly sub: string; readonly message: string }
  | { readonly type: 'notice'; readonly message: string }
  | { readonly type: 'auth'; readonly challenge: string }

const MAX_MESSAGE_CHARS = 200
const MAX_SUB_CHARS = 64
/** Longer than any relay's; what is signed must stay small. */
const MAX_CHALLENGE_CHARS = 512

/**
 * A relay's words as they may go into a log, a database or a terminal: short, whole characters, and nothing that moves a
 * cursor or turns the writing around.
 */
export const relayWords = (x: unknown): string =>
  typeof x === 'string'
    ? x
        .slice(0, MAX_MESSAGE_CHARS)
        .replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, ' ')
        .trim()
    : ''

/** Undefined for what is no message of a relay: ignored and counted, never an error. */
export const readFrame = (data: Buffer): RelayFrame | undefined => {
  let frame: unknown
  try {
    frame = JSON.parse(data.toString('utf8'))
  } catch {
    return undefined
  }
  if (!Array.isArray(frame)) return undefined
  const [verb, a, b, c] = frame as unknown[]
  if (typeof a !== 'string') return undefined
  switch (verb) {
    case 'EVENT':
      // What the frame adds: ["EVENT","<sub>",...]
      return isSub(a) && b !== undefined
        ? { type: 'event', sub: a, event: b, bytes: data.length - a.length - '["EVENT","",]'.length }
        : undefined
    case 'OK':
      return typeof b === 'boolean' ? { type: 'ok', id: a, ok: b, message: relayWords(c) } : undefined
    case 'EOSE':
      return isSub(a) ? { type: 'eose', sub: a } : undefined
    case 'CLOSED':
      return isSub(a) ? { type: 'closed', sub: a, message: relayWords(b) } : undefined
    case 'NOTICE':
      return { type: 'notice', message: relayWords(a) }
    case 'AUTH':
      return a.length <= MAX_CHALLENGE_CHARS ? { type: 'auth', challenge: a } : undefined
    default:
      return undefined
  }
}

const isSub = (s: string): boolean => s.length > 0 && s.length <= MAX_SUB_CHARS

export const eventFrame = (event: NostrEvent): string => JSON.stringify(['EVENT', event])
export const authFrame = (event: NostrEvent): string => JSON.stringify(['AUTH', event])
export const reqFrame = (sub: string, filters: readonly Filter[]): string => JSON.stringify(['REQ', sub, ...filters])
export const closeFrame = (sub: string): string => JSON.stringify(['CLOSE', sub])

/** NIP-01's machine-readable prefix of an OK or CLOSED message, as `auth-required`; empty where there is none. */
export const prefixOf = (message: string): string => /^([a-z][a-z-]{0,30}):/.exec(message)?.[1] ?? ''
