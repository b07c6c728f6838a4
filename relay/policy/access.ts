import type { Pubkey } from '../../src/core/types.js'
import type { AskRule, ReadRule, WriteRule } from './policy.js'
import type { Viewer } from '../session/session.js'

/** Rules that an operator adds: who may write, who may read, and how much work an event must show. */

/** Keys that are allowed something. */
export interface Keys {
  has(key: Pubkey): boolean
}

const someIn = (viewer: Viewer, keys: Keys): boolean => {
  for (const key of viewer.keys) if (keys.has(key)) return true
  return false
}

/**
 * Allowed is an author, whoever brings the event, and an authenticated key, whatever it brings: the author of a gift wrap
 * is a throw-away key. That the author's signature holds is checked after this.
 */
export const writersOnly =
  (writers: Keys): WriteRule =>
  (event, { viewer }) => {
    if (writers.has(event.pubkey) || someIn(viewer, writers)) return undefined
    return viewer.keys.size === 0
      ? 'auth-required: this relay takes events of some keys only'
      : 'restricted: this relay takes events of some keys only'
  }

/** The numbers that Kapnet gives a meaning of its own; on other relays some of them have another. */
const KAPNET_FIRST = 30_000
const KAPNET_LAST = 30_599

export const kapnetWritersOnly = (writers: Keys): WriteRule => {
  const rule = writersOnly(writers)
  return (event, context) =>
    event.kind >= KAPNET_FIRST && event.kind <= KAPNET_LAST ? rule(event, context) : undefined
}

export const askedByReadersOnly =
  (readers: Keys): AskRule =>
  (viewer) => {
    if (someIn(viewer, readers)) return undefined
    return viewer.keys.size === 0
      ? 'auth-required: this relay is read by some keys only'
      : 'restricted: this relay is read by some keys only'
  }

/** Asked again of every event: who is taken off the list hears no more, also on what is open. */
export const readByReadersOnly = (readers: Keys): ReadRule =>
  Object.assign((viewer: Viewer): boolean => someIn(viewer, readers), {
    byKind: (viewer: Viewer): boolean => someIn(viewer, readers),
  })

/** NIP-13. Where the event says what it aimed at, luck does not count for more. */
export const enoughWork =
  (minBits: number): WriteRule =>
  (event) => {
    const bits = leadingZeroBits(event.id)
    if (bits < minBits) return `pow: the id has ${bits} leading zero bits; at least ${minBits}`
    const aim = event.tags.find(([name]) => name === 'nonce')?.[2]
    if (aim !== undefined && !(Number(aim) >= minBits))
      return `pow: the nonce tag does not aim at ${minBits} bits or more`
    return undefined
  }

export const leadingZeroBits = (hex: string): number => {
  const zeros = /^0*/.exec(hex)?.[0].length ?? 0
  const next = parseInt(hex.charAt(zeros), 16)
  return 4 * zeros + (Number.isNaN(next) ? 0 : Math.clz32(next) - 28)
}
