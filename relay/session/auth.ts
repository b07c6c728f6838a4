import { eventId, tagValue } from '../../src/core/event.js'
import type { Hashes } from '../../src/core/hashes.js'
import type { NostrEvent, UnixSec } from '../../src/core/types.js'
import type { Reason } from './answers.js'
import { CLIENT_AUTH } from '../events/kind-class.js'
import { normalRelayUrl } from '../server/place.js'

/** How far an AUTH event's created_at may be from our clock, either way (NIP-42: about ten minutes). */
export const AUTH_WINDOW_SEC = 600

export interface AuthContext {
  /** Of this connection. */
  readonly challenge: string
  /** Whether a normalised URL is one of ours. */
  readonly isOurs: (url: string) => boolean
  readonly now: UnixSec
  readonly hashes: Hashes
}

/** NIP-42, all but the signature, which is dear and comes last. Undefined: no objection. */
export const refuseAuth = (event: NostrEvent, context: AuthContext): Reason | undefined => {
  if (event.kind !== CLIENT_AUTH) return `invalid: an AUTH event has kind ${CLIENT_AUTH}`
  if (Math.abs(event.created_at - context.now) > AUTH_WINDOW_SEC) {
    return `invalid: created_at is more than ${AUTH_WINDOW_SEC} s from this relay's clock`
  }
  if (tagValue(event, 'challenge') !== context.challenge) {
    return 'invalid: the challenge is not the one of this connection'
  }
  const url = normalRelayUrl(tagValue(event, 'relay') ?? '')
  if (url === undefined || !context.isOurs(url)) {
    return 'invalid: the relay tag is not a URL of this relay; its operator names those with --public-url'
  }
  if (eventId(event, context.hashes) !== event.id) return 'invalid: id is not the hash of the event'
  return undefined
}
