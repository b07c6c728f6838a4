import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import type { CryptoEngine } from '../ports.js'
import { bytesOfHex } from './hex.js'
import { sized } from './sized.js'

/** Pure JavaScript: runs everywhere, at about a tenth of the speed. */
export const jsEngine: CryptoEngine = {
  name: 'js',
  verify: ({ digest, pubkey, sig }) => {
    const h = bytesOfHex(digest, 32)
    const key = bytesOfHex(pubkey, 32)
    const s = bytesOfHex(sig, 64)
    if (!h || !key || !s) return false
    try {
      return schnorr.verify(s, h, key)
    } catch {
      // A key that is no point is a "no" like any other.
      return false
    }
  },
  sign: (digest, secret, aux) =>
    schnorr.sign(sized('digest', digest, 32), sized('secret', secret, 32), sized('randomness', aux, 32)),
  publicKey: (secret) => schnorr.getPublicKey(sized('secret', secret, 32)),
  sharedX: (secret, pubkey) => {
    const x = bytesOfHex(pubkey, 32)
    if (!x) throw new RangeError('not a public key: 64 lowercase hex characters expected')
    const point = new Uint8Array(33)
    // NIP-44 takes the even point of an x-only key.
    point[0] = 2
    point.set(x, 1)
    return secp256k1.getSharedSecret(sized('secret', secret, 32), point, true).slice(1)
  },
}
