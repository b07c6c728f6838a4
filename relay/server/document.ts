import type { RelayLimits } from '../limits.js'
import { MAX_SUBSCRIPTION_ID_CHARS } from '../limits.js'

/** What the operator says of the relay (NIP-11). */
export interface RelayIdentity {
  readonly name: string
  readonly description?: string
  readonly contact?: string
  /** Of this software. */
  readonly version: string
}

/** Only what the tests show. */
export const SUPPORTED_NIPS: readonly number[] = [1, 9, 11, 13, 17, 40, 42, 45, 59, 62, 67, 70, 77]

/** Where somebody manages it. */
const MANAGEMENT_NIPS: readonly number[] = [86, 98]

/** Browsers ask from any page; NIP-11 wants all three on every answer to its request. */
export const CORS_HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': '*',
  'access-control-allow-methods': '*',
} as const

/** The star is for all headers but this one (Fetch, CORS non-wildcard request-header name). */
export const MANAGED_CORS_HEADERS = { ...CORS_HEADERS, 'access-control-allow-headers': '*, authorization' } as const

export const NIP11_TYPE = 'application/nostr+json'

/** What of the relay's rules NIP-11 has a word for. */
export interface Conditions {
  readonly allowWrite?: string
  readonly allowRead?: string
  readonly minPow?: number
  /** NIP-86: somebody may manage the relay. */
  readonly admin?: string
}

/** `limitation` is made of the very numbers that are enforced. */
export const relayDocument = (identity: RelayIdentity, limits: RelayLimits, conditions: Conditions = {}): string =>
  JSON.stringify({
    name: identity.name,
    description: identity.description ?? 'A Nostr relay for Kapnet Herms and their agents',
    ...(identity.contact === undefined ? {} : { contact: identity.contact }),
    supported_nips: conditions.admin === undefined ? SUPPORTED_NIPS : [...SUPPORTED_NIPS, ...MANAGEMENT_NIPS],
    software: 'ksp-bridge relay',
    version: identity.version,
    limitation: {
      max_message_length: limits.maxMessageBytes,
      max_subscriptions: limits.maxSubscriptions,
      max_filters: limits.maxFilters,
      max_limit: limits.maxLimit,
      default_limit: limits.maxLimit,
      max_subid_length: MAX_SUBSCRIPTION_ID_CHARS,
      max_event_tags: limits.maxEventTags,
      max_content_length: limits.maxContentChars,
      min_pow_difficulty: conditions.minPow ?? 0,
      auth_required: conditions.allowRead !== undefined,
      payment_required: false,
      restricted_writes: conditions.allowWrite !== undefined || (conditions.minPow ?? 0) > 0,
      created_at_upper_limit: limits.maxFutureSec,
    },
  })

/** Whether a request asks for the document rather than for a page. */
export const wantsDocument = (accept: string | undefined): boolean =>
  accept?.split(',').some((type) => type.split(';')[0]?.trim().toLowerCase() === NIP11_TYPE) === true
