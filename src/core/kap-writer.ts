import { checkAscending, compactBytes, compareBytes } from './kap-bytes.js'
import type { KapExtension } from './kap-bytes.js'

export interface KapWriter {
  u8(value: number): void
  u16(value: number): void
  u32(value: number): void
  u64(value: bigint): void
  u128(value: bigint): void
  boolean(value: boolean): void
  length(count: number): void
  /** As they are, without a length. */
  fixed(bytes: Uint8Array, length: number): void
  bytes(bytes: Uint8Array): void
  list<T>(elements: readonly T[], write: (element: T) => void): void
  /** Sorts the pairs by their encoded keys. */
  map<K, V>(
    pairs: Iterable<readonly [K, V]>,
    key: (w: KapWriter, k: K) => void,
    value: (w: KapWriter, v: V) => void,
  ): void
  extensions(extensions: readonly KapExtension[]): void
  finish(): Uint8Array
}

export const kapWriter = (): KapWriter => {
  const out: number[] = []

  const unsigned = (value: bigint, bytes: number): void => {
    if (value < 0n || value >> BigInt(8 * bytes) !== 0n) throw new RangeError(`${value.toString()} is no u${8 * bytes}`)
    for (let shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out.push(Number((value >> BigInt(shift)) & 0xffn))
  }
  const small = (value: number, bytes: number): void => {
    if (!Number.isInteger(value)) throw new RangeError(`${value} is no u${8 * bytes}`)
    unsigned(BigInt(value), bytes)
  }
  const append = (bytes: Uint8Array): void => {
    for (const byte of bytes) out.push(byte)
  }
  const length = (count: number): void => {
    if (!Number.isSafeInteger(count)) throw new RangeError(`${count} is no count`)
    const bytes = compactBytes(BigInt(count))
    if (bytes > 1) out.push(bytes === 2 ? 0xfd : bytes === 4 ? 0xfe : 0xff)
    small(count, bytes)
  }
  const bytes = (data: Uint8Array): void => {
    length(data.length)
    append(data)
  }
  return {
    u8: (value) => small(value, 1),
    u16: (value) => small(value, 2),
    u32: (value) => small(value, 4),
    u64: (value) => unsigned(value, 8),
    u128: (value) => unsigned(value, 16),
    boolean: (value) => small(value ? 1 : 0, 1),
    length,
    fixed: (data, count) => {
      if (data.length !== count) throw new RangeError(`${data.length} bytes where ${count} belong`)
      append(data)
    },
    bytes,
    list: (elements, write) => {
      length(elements.length)
      for (const element of elements) write(element)
    },
    map: (pairs, key, value) => {
      const encoded = [...pairs].map(([k, v]) => {
        const keyWriter = kapWriter()
        key(keyWriter, k)
        const valueWriter = kapWriter()
        value(valueWriter, v)
        return { key: keyWriter.finish(), value: valueWriter.finish() }
      })
      encoded.sort((a, b) => compareBytes(a.key, b.key))
      length(encoded.length)
      let previous: Uint8Array | undefined
      for (const pair of encoded) {
        if (previous !== undefined) checkAscending(compareBytes(previous, pair.key), 'key', refuseToWrite)
        append(pair.key)
        append(pair.value)
        previous = pair.key
      }
    },
    extensions: (extensions) => {
      const sorted = [...extensions].sort((a, b) => a.tag - b.tag)
      length(sorted.length)
      let previous = -1
      for (const { tag, data } of sorted) {
        checkAscending(previous - tag, 'extension', refuseToWrite)
        small(tag, 2)
        bytes(data)
        previous = tag
      }
    },
    finish: () => Uint8Array.from(out),
  }
}

const refuseToWrite = (why: string): never => {
  throw new RangeError(why)
}
