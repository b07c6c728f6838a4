import type { Filter } from '../../src/core/match.js'

/** NIP-45: a limit says how much to send, and nothing of how much there is. */
export const withoutLimit = (filter: Filter): Filter =>
  Object.fromEntries(Object.entries(filter).filter(([name]) => name !== 'limit'))
