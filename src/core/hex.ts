const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** Lowercase hex. */
export const hexOf = (bytes: Uint8Array): string => {
  let hex = ''
  for (const byte of bytes) hex += DIGITS[byte] ?? ''
  return hex
}

/** Undefined unless it is lowercase hex with an even number of digits. */
export const bytesOf = (hex: string): Uint8Array | undefined => {
  if (hex.length % 2 !== 0) return undefined
  const bytes = new Uint8Array(hex.length / 2)
  for (let i = 0; i < bytes.length; i++) {
    const high = digit(hex.charCodeAt(2 * i))
    const low = digit(hex.charCodeAt(2 * i + 1))
    if (high < 0 || low < 0) return undefined
    bytes[i] = high * 16 + low
  }
  return bytes
}

const digit = (unit: number): number => {
  if (unit >= 0x30 && unit <= 0x39) return unit - 0x30
  if (unit >= 0x61 && unit <= 0x66) return unit - 0x57
  return -1
}
