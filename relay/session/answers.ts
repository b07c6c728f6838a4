/** What the relay says to a client, as frames (NIP-01). A reason always starts with one of the standard prefixes. */

import type { Completeness } from '../store/answer.js'

export type Prefix =
  'duplicate' | 'pow' | 'blocked' | 'rate-limited' | 'invalid' | 'restricted' | 'auth-required' | 'mute' | 'error'

/** `prefix: words for a person`. */
export type Reason = `${Prefix}: ${string}`

/** The verdict on one EVENT. An empty reason is only said with `true`. */
export interface Verdict {
  readonly accepted: boolean
  readonly reason: Reason | ''
}

export const ACCEPTED: Verdict = { accepted: true, reason: '' }
export const accepted = (reason: Reason): Verdict => ({ accepted: true, reason })
export const refused = (reason: Reason): Verdict => ({ accepted: false, reason })

export const okFrame = (id: string, verdict: Verdict): string =>
  JSON.stringify(['OK', id, verdict.accepted, verdict.reason])
/** NIP-67: whether the stored events were all of them, where that is known. Who knows NIP-01 alone reads no third element. */
export const eoseFrame = (subscription: string, completeness: Completeness): string =>
  JSON.stringify(['EOSE', subscription, ...(completeness === 'unknown' ? [] : [[completeness]])])
export const closedFrame = (subscription: string, reason: Reason): string =>
  JSON.stringify(['CLOSED', subscription, reason])
export const authFrame = (challenge: string): string => JSON.stringify(['AUTH', challenge])
export const countFrame = (subscription: string, count: number): string =>
  JSON.stringify(['COUNT', subscription, { count }])
export const negMsgFrame = (id: string, hex: string): string => JSON.stringify(['NEG-MSG', id, hex])
/** NIP-77 has a prefix of its own for a sync that is no longer open. */
export const negErrFrame = (id: string, reason: Reason | `closed: ${string}`): string =>
  JSON.stringify(['NEG-ERR', id, reason])
export const noticeFrame = (reason: Reason): string => JSON.stringify(['NOTICE', reason])

/** What stands before the event's JSON. Made once for a subscription; the event's JSON once for all of them. */
export const eventHead = (subscription: string): string => `["EVENT",${JSON.stringify(subscription)},`
export const eventFrame = (head: string, json: string): string => `${head}${json}]`
