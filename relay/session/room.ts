import type { Filter } from '../../src/core/match.js'

/** Memory that is lent: so much at most, and out of a larger room where there is one. */
export interface Room {
  /** False: there is not so much left. */
  take(bytes: number): boolean
  give(bytes: number): void
  readonly used: number
}

export const openRoom = (maxBytes: number, within?: Room): Room => {
  let used = 0
  return {
    take: (bytes) => {
      if (used + bytes > maxBytes || within?.take(bytes) === false) return false
      used += bytes
      return true
    },
    give: (bytes) => {
      used -= bytes
      within?.give(bytes)
    },
    get used() {
      return used
    },
  }
}

/** What one value of a filter costs in the index of live subscriptions: a key, its entry, and a set of who asked. */
const VALUE_BYTES = 256

/** What filters hold while they are open: their text, and what is kept for each value of their lists. */
export const bytesOfFilters = (filters: readonly Filter[], messageBytes: number): number => {
  let values = 0
  for (const filter of filters) {
    for (const member of Object.values(filter)) values += Array.isArray(member) ? member.length : 1
  }
  return messageBytes + VALUE_BYTES * values
}
