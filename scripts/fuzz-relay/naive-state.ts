import type { NostrEvent } from '../../src/core/types.js'

/**
 * What a relay must hold when it was given these events, said of the set as a whole: no order of arrival is in it
 * (NIP-01, 09, 40, 59, 62). Deliberately slow and plain.
 */
export const naiveStored = (events: readonly NostrEvent[], nowSec: number): NostrEvent[] => {
  const deletions = events.filter(({ kind }) => kind === 5)
  const vanishings = events.filter(({ kind }) => kind === 62)
  return events.filter(
    (event) =>
      naiveClass(event.kind) !== 'ephemeral' &&
      !isExpired(event, nowSec) &&
      !deletions.some((deletion) => deletes(deletion, event)) &&
      !vanishings.some((request) => erases(request, event)) &&
      !events.some((other) => replaces(other, event)),
  )
}

export type NaiveClass = 'regular' | 'replaceable' | 'ephemeral' | 'addressable'

/** The list of NIP-01, number by number. */
export const naiveClass = (kind: number): NaiveClass => {
  if (kind >= 10_000 && kind <= 19_999) return 'replaceable'
  if (kind === 0 || kind === 3) return 'replaceable'
  if (kind >= 20_000 && kind <= 29_999) return 'ephemeral'
  if (kind >= 30_000 && kind <= 39_999) return 'addressable'
  return 'regular'
}

/** `kind:pubkey:d`, for what has an address. */
export const naiveAddress = (event: NostrEvent): string | undefined => {
  switch (naiveClass(event.kind)) {
    case 'replaceable':
      return `${event.kind}:${event.pubkey}:`
    case 'addressable': {
      const [, d = ''] = event.tags.find((tag) => tag[0] === 'd') ?? []
      return `${event.kind}:${event.pubkey}:${d}`
    }
    case 'regular':
    case 'ephemeral':
      return undefined
  }
}

const isExpired = (event: NostrEvent, nowSec: number): boolean => {
  const time = event.tags.find((tag) => tag[0] === 'expiration' && tag.length > 1)?.[1] ?? ''
  return time !== '' && time.length <= 15 && Number(time) <= nowSec && isDigits(time)
}

const isDigits = (text: string): boolean => text.split('').every((c) => c >= '0' && c <= '9')

/** Whose event it is: its author's, and a gift wrap also theirs whom it is for. */
const isOf = (event: NostrEvent, key: string): boolean =>
  event.pubkey === key || (event.kind === 1059 && event.tags.some((tag) => tag[0] === 'p' && tag[1] === key))

const deletes = (deletion: NostrEvent, event: NostrEvent): boolean => {
  if (event.kind === 5 || event.kind === 62) return false
  const byId = deletion.tags.some((tag) => tag[0] === 'e' && tag[1] === event.id)
  if (byId && isOf(event, deletion.pubkey)) return true
  const address = naiveAddress(event)
  if (address === undefined || event.pubkey !== deletion.pubkey || event.created_at > deletion.created_at) return false
  // Where `d` is empty, the last colon is often left out.
  const shortForm = `${event.kind}:${event.pubkey}`
  return deletion.tags.some(
    (tag) => tag[0] === 'a' && (tag[1] === address || (tag[1] === shortForm && address === `${shortForm}:`)),
  )
}

const erases = (request: NostrEvent, event: NostrEvent): boolean =>
  event.kind !== 62 && event.created_at <= request.created_at && isOf(event, request.pubkey)

/** "The newest; in the case of ties, the one with the lowest id." */
const replaces = (other: NostrEvent, event: NostrEvent): boolean => {
  const address = naiveAddress(event)
  if (address === undefined || naiveAddress(other) !== address) return false
  return other.created_at > event.created_at || (other.created_at === event.created_at && other.id < event.id)
}
