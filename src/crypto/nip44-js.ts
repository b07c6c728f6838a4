import { v2 } from 'nostr-tools/nip44'
import { extract } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import type { Nip44 } from '../ports.js'

const MAX_PLAINTEXT_BYTES = 65_535

/** NIP-44 v2 in pure JavaScript, for builds of Node whose OpenSSL has no ChaCha20 (FIPS builds). */
export const jsNip44: Nip44 = {
  conversationKey: (sharedX) => extract(sha256, sharedX, new TextEncoder().encode('nip44-v2')),
  encrypt: (plaintext, conversationKey, nonce) => {
    const length = Buffer.byteLength(plaintext)
    if (length < 1 || length > MAX_PLAINTEXT_BYTES) {
      throw new RangeError(`NIP-44 encrypts 1 to ${MAX_PLAINTEXT_BYTES} bytes, not ${length}`)
    }
    return v2.encrypt(plaintext, conversationKey, nonce)
  },
  decrypt: (payload, conversationKey) => {
    // The library also knows a longer form that NIP-44 doesn't; what no one else could read is not taken here.
    if (payload.length > 4 * Math.ceil(65_603 / 3)) return undefined
    try {
      return v2.decrypt(payload, conversationKey)
    } catch {
      return undefined
    }
  },
}
