import type { Random } from '../ports.js'

/** A random u64 as a decimal string: the `nonce` of every body that we emit (wire.md 2). */
export const randomU64 = (random: Random): string => {
  const bytes = random.bytes(8)
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0).toString()
}
