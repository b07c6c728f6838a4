import { FIRST_CRITICAL_TAG, checkAscending, compactBytes, compareBytes } from './kap-bytes.js'
import type { KapExtension } from './kap-bytes.js'

/** What stopped a reader. `unknown`: perhaps right, but of a later version than ours. */
export interface KapFailure {
  readonly kind: 'malformed' | 'unknown'
  readonly why: string
}

export interface KapReader {
  u8(): number
  u16(): number
  u32(): number
  u64(): bigint
  u128(): bigint
  boolean(): boolean
  /** A compact length, counted in units of at least `unitBytes` bytes; no larger than the bytes that are left. */
  length(unitBytes: number): number
  /** A copy of exactly `length` bytes. */
  fixed(length: number): Uint8Array
  /** Compact length, then as many bytes. */
  bytes(): Uint8Array
  /** Compact count, then as many elements, each of at least `minBytes` bytes (1 or more). */
  list<T>(minBytes: number, element: () => T): T[]
  /** Pairs in ascending order of their encoded keys, none twice. A pair is at least `minBytes` bytes (1 or more). */
  map<K, V>(minBytes: number, key: () => K, value: () => V): [K, V][]
  /** Ascending by tag, none twice. A critical tag that is not among the known ones fails as `unknown`. */
  extensions(knownCritical?: readonly number[]): KapExtension[]
  /** Stops here. Later failures are not kept. */
  fail(why: string, kind?: KapFailure['kind']): void
  /** What failed first; bytes that are left are a failure too. */
  done(): KapFailure | undefined
  readonly failed: boolean
}

export const kapReader = (source: Uint8Array): KapReader => {
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength)
  let at = 0
  let failure: KapFailure | undefined

  const fail = (why: string, kind: KapFailure['kind'] = 'malformed'): void => {
    failure ??= { kind, why }
  }
  const left = (): number => source.length - at
  /** Where the next `count` bytes start, and past them; undefined when they are not there. */
  const take = (count: number): number | undefined => {
    if (failure !== undefined) return undefined
    if (count > left()) {
      fail('cut short')
      return undefined
    }
    at += count
    return at - count
  }
  const u8 = (): number => {
    const start = take(1)
    return start === undefined ? 0 : view.getUint8(start)
  }
  const u16 = (): number => {
    const start = take(2)
    return start === undefined ? 0 : view.getUint16(start)
  }
  const u32 = (): number => {
    const start = take(4)
    return start === undefined ? 0 : view.getUint32(start)
  }
  const u64 = (): bigint => {
    const start = take(8)
    return start === undefined ? 0n : view.getBigUint64(start)
  }
  const u128 = (): bigint => {
    const high = u64()
    return (high << 64n) | u64()
  }
  const compact = (): bigint => {
    const first = u8()
    if (first < 0xfd) return BigInt(first)
    const value = first === 0xfd ? BigInt(u16()) : first === 0xfe ? BigInt(u32()) : u64()
    if (compactBytes(value) !== compactBytesOf(first)) fail('a length that is not in its shortest form')
    return value
  }
  const length = (unitBytes: number): number => {
    const value = compact()
    if (value * BigInt(unitBytes) > BigInt(left())) fail('a count beyond the bytes')
    return failure === undefined ? Number(value) : 0
  }
  const fixed = (count: number): Uint8Array => {
    const start = take(count)
    return start === undefined ? new Uint8Array(0) : new Uint8Array(source.subarray(start, start + count))
  }
  const list = <T>(minBytes: number, element: () => T): T[] => {
    const count = length(minBytes)
    const elements: T[] = []
    for (let i = 0; i < count && failure === undefined; i++) elements.push(element())
    return elements
  }
  const bytes = (): Uint8Array => fixed(length(1))

  return {
    u8,
    u16,
    u32,
    u64,
    u128,
    length,
    fixed,
    bytes,
    list,
    fail,
    boolean: () => {
      const value = u8()
      if (value > 1) fail('a boolean that is neither 0 nor 1')
      return value === 1
    },
    map: (minBytes, key, value) => {
      let previous: Uint8Array | undefined
      return list(minBytes, () => {
        const start = at
        const k = key()
        const encoded = source.subarray(start, at)
        if (previous !== undefined) checkAscending(compareBytes(previous, encoded), 'key', fail)
        previous = encoded
        return [k, value()]
      })
    },
    extensions: (knownCritical = []) => {
      let previous = -1
      return list(3, () => {
        const tag = u16()
        const data = bytes()
        checkAscending(previous - tag, 'extension', fail)
        previous = tag
        if (tag >= FIRST_CRITICAL_TAG && !knownCritical.includes(tag)) fail('an unknown critical extension', 'unknown')
        return { tag, data }
      })
    },
    done: () => {
      if (left() > 0) fail('trailing bytes')
      return failure
    },
    get failed() {
      return failure !== undefined
    },
  }
}

const compactBytesOf = (first: number): number => (first === 0xfd ? 2 : first === 0xfe ? 4 : 8)
