import { tagValue } from '../../src/core/event.js'
import type { NostrEvent, UnixSec } from '../../src/core/types.js'

/** NIP-40: when the event ends; undefined where it names no time that can be read. */
export const expirationOf = (event: Pick<NostrEvent, 'tags'>): UnixSec | undefined => {
  const value = tagValue(event, 'expiration')
  if (value === undefined || !/^\d{1,15}$/.test(value)) return undefined
  return Number(value) as UnixSec
}

export const isExpired = (expiresAt: UnixSec | undefined, now: UnixSec): boolean =>
  expiresAt !== undefined && expiresAt <= now
