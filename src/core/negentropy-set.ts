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

/** Gathers items, 40 bytes each from the first moment: half a million of them as objects would be 200 MB. */
export interface SyncSetBuilder {
  readonly size: number
  /** The id is copied. Throws a RangeError for one that is not 32 bytes, and for more than `MAX_SYNC_ITEMS`. */
  add(time: number, id: Uint8Array): void
  /** Nothing may be added after that. */
  build(): SyncSet
}

/** Times, and ids one after the other. */
interface Packed {
  readonly size: number
  readonly times: Float64Array
  readonly ids: Uint8Array<ArrayBuffer>
}

const idAt = ({ ids }: Packed, i: number): Uint8Array => ids.subarray(i * ID_BYTES, (i + 1) * ID_BYTES)

const FIRST_ITEMS = 256

/** In whatever order they come; what is twice counts once. */
export const syncSetBuilder = (): SyncSetBuilder => {
  let size = 0
  let times = new Float64Array(FIRST_ITEMS)
  let ids = new Uint8Array(FIRST_ITEMS * ID_BYTES)
  /** As a store hands them out: newest first, and the lowest id first among equals. */
  let isNewestFirst = true

  const grow = (): void => {
    const [fewTimes, fewIds] = [times, ids]
    times = new Float64Array(2 * fewTimes.length)
    times.set(fewTimes)
    ids = new Uint8Array(2 * fewIds.length)
    ids.set(fewIds)
  }

  return {
    get size() {
      return size
    },
    add: (time, id) => {
      if (id.length !== ID_BYTES) throw new RangeError('an id is 32 bytes')
      if (size >= MAX_SYNC_ITEMS) throw new RangeError(`at most ${MAX_SYNC_ITEMS} items`)
      if (size === times.length) grow()
      const before = size === 0 ? Infinity : (times[size - 1] ?? Infinity)
      if (time > before || (time === before && compareIds(idAt({ size, times, ids }, size - 1), id) >= 0)) {
        isNewestFirst = false
      }
      times[size] = time
      ids.set(id, size * ID_BYTES)
      size++
    },
    build: () => setOf(isNewestFirst ? turned({ size, times, ids }) : sorted({ size, times, ids })),
  }
}

/** In whatever order they come; what is twice counts once. Throws as the builder does. */
export const syncSet = (items: readonly SyncItem[]): SyncSet => {
  const builder = syncSetBuilder()
  for (const { time, id } of items) builder.add(time, id)
  return builder.build()
}

/** Newest first becomes oldest first: the seconds change places, and within each its ids stay as they are. */
const turned = ({ size, times, ids }: Packed): Packed => {
  const turnedTimes = new Float64Array(size)
  const turnedIds = new Uint8Array(size * ID_BYTES)
  let at = 0
  for (let end = size; end > 0;) {
    const time = times[end - 1] ?? 0
    let start = end
    while (start > 0 && times[start - 1] === time) start--
    turnedTimes.fill(time, at, at + end - start)
    turnedIds.set(ids.subarray(start * ID_BYTES, end * ID_BYTES), at * ID_BYTES)
    at += end - start
    end = start
  }
  return { size, times: turnedTimes, ids: turnedIds }
}

const sorted = (packed: Packed): Packed => {
  const { size, times } = packed
  const compare = (a: number, b: number): number =>
    (times[a] ?? 0) - (times[b] ?? 0) || compareIds(idAt(packed, a), idAt(packed, b))
  const order = Uint32Array.from({ length: size }, (_, i) => i)
    .sort(compare)
    .filter((item, i, all) => i === 0 || compare(all[i - 1] ?? 0, item) !== 0)
  const ids = new Uint8Array(order.length * ID_BYTES)
  order.forEach((from, i) => ids.set(idAt(packed, from), i * ID_BYTES))
  return { size: order.length, times: Float64Array.from(order, (from) => times[from] ?? 0), ids }
}

const setOf = ({ size, times, ids }: Packed): SyncSet => {
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
