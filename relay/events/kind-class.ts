/** NIP-01: what a kind number says of storage. Whatever no range names is regular. */
export type KindClass = 'regular' | 'replaceable' | 'ephemeral' | 'addressable'

export const classOf = (kind: number): KindClass => {
  if (kind === 0 || kind === 3 || (kind >= 10_000 && kind < 20_000)) return 'replaceable'
  if (kind >= 20_000 && kind < 30_000) return 'ephemeral'
  if (kind >= 30_000 && kind < 40_000) return 'addressable'
  return 'regular'
}

export const DELETION = 5
/** NIP-62. */
export const VANISH = 62
export const GIFT_WRAP = 1059
export const EPHEMERAL_GIFT_WRAP = 21_059
/** NIP-42: only ever inside AUTH; never stored, never broadcast. */
export const CLIENT_AUTH = 22_242
