/** Hash functions come in from outside: the core names no runtime. Strings are hashed as UTF-8. */
export interface Hashes {
  sha256(data: Uint8Array | string): Uint8Array
  /** Lowercase hex. */
  sha256Hex(data: Uint8Array | string): string
  /** SHAKE256 (FIPS 202) with `length` bytes of output. */
  shake256(data: Uint8Array, length: number): Uint8Array
}
