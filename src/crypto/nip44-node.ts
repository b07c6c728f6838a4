import { createCipheriv, createHmac, timingSafeEqual } from 'node:crypto'
import type { Nip44 } from '../ports.js'

/**
 * NIP-44 v2 on OpenSSL: HKDF-SHA256 for the keys, padding, ChaCha20, HMAC-SHA256 over nonce and ciphertext. The payload is
 * base64(version 2 | nonce 32 | ciphertext | mac 32).
 */

const VERSION = 2
const NONCE_BYTES = 32
const MAC_BYTES = 32
const MAX_PLAINTEXT_BYTES = 65_535
/** 1 + 32 + (2 + 32) + 32 bytes, and 1 + 32 + (2 + 65,536) + 32. */
const MIN_PAYLOAD_BYTES = 99
const MAX_PAYLOAD_BYTES = 65_603
const MAX_PAYLOAD_CHARS = 4 * Math.ceil(MAX_PAYLOAD_BYTES / 3)

const hmac = (key: Uint8Array, ...parts: readonly Uint8Array[]): Buffer => {
  const mac = createHmac('sha256', key)
  for (const part of parts) mac.update(part)
  return mac.digest()
}

/** HKDF-expand (RFC 5869) to 76 bytes: ChaCha20 key 32, ChaCha20 nonce 12, HMAC key 32. */
const messageKeys = (conversationKey: Uint8Array, nonce: Uint8Array): { key: Buffer; iv: Buffer; macKey: Buffer } => {
  const t1 = hmac(conversationKey, nonce, Uint8Array.of(1))
  const t2 = hmac(conversationKey, t1, nonce, Uint8Array.of(2))
  const t3 = hmac(conversationKey, t2, nonce, Uint8Array.of(3))
  const okm = Buffer.concat([t1, t2, t3])
  return { key: okm.subarray(0, 32), iv: okm.subarray(32, 44), macKey: okm.subarray(44, 76) }
}

/** OpenSSL wants the 32-bit block counter (little endian, from 0) in front of the 12-byte nonce of RFC 8439. */
const chacha20 = (key: Uint8Array, nonce: Uint8Array, data: Uint8Array): Buffer =>
  createCipheriv('chacha20', key, Buffer.concat([Buffer.alloc(4), nonce])).update(data)

/** Length of the padded plaintext without its two bytes of length. */
const paddedLength = (length: number): number => {
  if (length <= 32) return 32
  const nextPower = 2 ** (Math.floor(Math.log2(length - 1)) + 1)
  const chunk = nextPower <= 256 ? 32 : nextPower / 8
  return chunk * (Math.floor((length - 1) / chunk) + 1)
}

/** A byte order mark is kept: what was encrypted is what comes out. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const unpad = (padded: Buffer): string | undefined => {
  const length = padded.readUInt16BE(0)
  const text = padded.subarray(2, 2 + length)
  if (length < 1 || text.length !== length || padded.length !== 2 + paddedLength(length)) return undefined
  try {
    return utf8.decode(text)
  } catch {
    return undefined
  }
}

export const nodeNip44: Nip44 = {
  conversationKey: (sharedX) => hmac(Buffer.from('nip44-v2'), sharedX),

  encrypt: (plaintext, conversationKey, nonce) => {
    const text = Buffer.from(plaintext, 'utf8')
    if (text.length < 1 || text.length > MAX_PLAINTEXT_BYTES) {
      throw new RangeError(`NIP-44 encrypts 1 to ${MAX_PLAINTEXT_BYTES} bytes, not ${text.length}`)
    }
    if (nonce.length !== NONCE_BYTES) throw new RangeError('a NIP-44 nonce has 32 bytes')
    const padded = Buffer.alloc(2 + paddedLength(text.length))
    padded.writeUInt16BE(text.length)
    text.copy(padded, 2)
    const { key, iv, macKey } = messageKeys(conversationKey, nonce)
    const ciphertext = chacha20(key, iv, padded)
    return Buffer.concat([Uint8Array.of(VERSION), nonce, ciphertext, hmac(macKey, nonce, ciphertext)]).toString(
      'base64',
    )
  },

  decrypt: (payload, conversationKey) => {
    if (payload.length > MAX_PAYLOAD_CHARS) return undefined
    const data = Buffer.from(payload, 'base64')
    if (data.length < MIN_PAYLOAD_BYTES || data.length > MAX_PAYLOAD_BYTES || data[0] !== VERSION) return undefined
    // Buffer skips what is not base64; only the one right spelling is taken.
    if (data.toString('base64') !== payload) return undefined
    const nonce = data.subarray(1, 1 + NONCE_BYTES)
    const ciphertext = data.subarray(1 + NONCE_BYTES, -MAC_BYTES)
    const { key, iv, macKey } = messageKeys(conversationKey, nonce)
    if (!timingSafeEqual(hmac(macKey, nonce, ciphertext), data.subarray(-MAC_BYTES))) return undefined
    return unpad(chacha20(key, iv, ciphertext))
  },
}
