/** The bytes of exactly `length` bytes of lowercase hex; undefined for anything else. Buffer alone would cut bad hex short in silence. */
export const bytesOfHex = (hex: unknown, length: number): Uint8Array | undefined =>
  typeof hex === 'string' && hex.length === 2 * length && /^[0-9a-f]+$/.test(hex) ? Buffer.from(hex, 'hex') : undefined
