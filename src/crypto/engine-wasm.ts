import type { CryptoEngine } from '../ports.js'
import { bytesOfHex } from './hex.js'
import { sized } from './sized.js'

/**
 * libsecp256k1 as WebAssembly. Loaded only when asked for, so that a machine where WebAssembly is switched off can still
 * use the other engine. Rejects when it can't be loaded.
 */
export const wasmEngine = async (): Promise<CryptoEngine> => {
  const secp = await import('tiny-secp256k1')
  return {
    name: 'wasm',
    verify: ({ digest, pubkey, sig }) => {
      const h = bytesOfHex(digest, 32)
      const key = bytesOfHex(pubkey, 32)
      const s = bytesOfHex(sig, 64)
      if (!h || !key || !s) return false
      try {
        return secp.verifySchnorr(h, key, s)
      } catch {
        // The library throws where the key is no point or the signature is out of range: a "no" like any other.
        return false
      }
    },
    sign: (digest, secret, aux) =>
      secp.signSchnorr(sized('digest', digest, 32), sized('secret', secret, 32), sized('randomness', aux, 32)),
    publicKey: (secret) => secp.xOnlyPointFromScalar(sized('secret', secret, 32)),
    sharedX: (secret, pubkey) => {
      const x = bytesOfHex(pubkey, 32)
      if (!x) throw new RangeError('not a public key: 64 lowercase hex characters expected')
      const point = new Uint8Array(33)
      // NIP-44 takes the even point of an x-only key.
      point[0] = 2
      point.set(x, 1)
      const shared = secp.pointMultiply(point, sized('secret', secret, 32), true)
      if (!shared) throw new RangeError('the shared point is at infinity')
      return shared.slice(1)
    },
  }
}
