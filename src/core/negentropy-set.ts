import { hexOf } from './hex.js'
import { compareIds } from './negentropy-bytes.js'
import type { Bound } from './negentropy-bytes.js'

/** Items in the order of (time, id), 40 bytes each, as negentropy.ts compares them. */
export interface SyncSet {
  readonly size: number
  time(i: number): number
  id(i: number): Uint8Array
  hexOf(id: Uint8Array): string
  /** The first item at or after `from` that is not before the bound. */
  lowerBound(from: number, bound: Bound): number
  /** Of ids as little-endian numbers, mod 2^256. */
  sum(lower: number, upper: number): Uint8Array
}

export interface SyncItem {
  /** created_at, in seconds. */
  readonly time: number
  /** 32 bytes. */
  readonly id: Uint8Array
}

/** More would not fit into the sums below, nor into anybody's patience. */
export const MAX_SYNC_ITEMS = 1_000_000

const ID_BYTES = 32
const WORDS = 8

/** In whatever order they come; what is twice counts once. Throws a RangeError for more than `MAX_SYNC_ITEMS`. */
export const syncSet = (items: readonly SyncItem[]): SyncSet => {
  if (items.length > MAX_SYNC_ITEMS) throw new RangeError(`at most ${MAX_SYNC_ITEMS} items`)
  const sorted = items
    .toSorted((a, b) => a.time - b.time || compareIds(a.id, b.id))
    .filter((item, i, all) => {
      const before = all[i - 1]
      return before === undefined || before.time !== item.time || compareIds(before.id, item.id) !== 0
    })
  const size = sorted.length
  const times = new Float64Array(size)
  const ids = new Uint8Array(size * ID_BYTES)
  sorted.forEach((item, i) => {
    if (item.id.length !== ID_BYTES) throw new RangeError('an id is 32 bytes')
    times[i] = item.time
    ids.set(item.id, i * ID_BYTES)
  })
  const words = new DataView(ids.buffer)
  const id = (i: number): Uint8Array => ids.subarray(i * ID_BYTES, (i + 1) * ID_BYTES)

  return {
    size,
    time: (i) => times[i] ?? Infinity,
    id,
    hexOf,
    lowerBound: (from, bound) => {
      let [low, high] = [from, size]
      while (low < high) {
        const middle = (low + high) >>> 1
        const time = times[middle] ?? Infinity
        const isBefore = time < bound.time || (time === bound.time && compareIds(id(middle), bound.prefix) < 0)
        if (isBefore) low = middle + 1
        else high = middle
      }
      return low
    },
    sum: (lower, upper) => {
      // A million words of 32 bits stay below 2^53: carried over once, at the end.
      const sums = new Float64Array(WORDS)
      for (let at = lower * ID_BYTES; at < upper * ID_BYTES; at += ID_BYTES) {
        for (let word = 0; word < WORDS; word++) sums[word] = (sums[word] ?? 0) + words.getUint32(at + 4 * word, true)
      }
      const out = new DataView(new ArrayBuffer(ID_BYTES))
      let carry = 0
      for (let word = 0; word < WORDS; word++) {
        const total = (sums[word] ?? 0) + carry
        out.setUint32(4 * word, total % 2 ** 32, true)
        carry = Math.floor(total / 2 ** 32)
      }
      return new Uint8Array(out.buffer)
    },
  }
}
