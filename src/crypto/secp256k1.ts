import { randomBytes } from 'node:crypto'
import type { TypeObject } from 'koffi'
import { sized } from './sized.js'

/**
 * libsecp256k1 through its C interface. C believes what it is told of lengths, so every one is checked here, before the
 * call; and it ends the process when it is handed a parsed key that is none, so only what it filled itself is handed back.
 */
export interface Secp256k1 {
  /** A point from its x coordinate, 32 bytes, in the form that `verify` takes; undefined where the curve has none. */
  parseKey(x: Uint8Array): ParsedKey | undefined
  verify(sig: Uint8Array, digest: Uint8Array, key: ParsedKey): boolean
  /** BIP-340, 64 bytes. Throws for a secret out of range. */
  sign(digest: Uint8Array, secret: Uint8Array, aux: Uint8Array): Uint8Array
  /** x-only, 32 bytes. Throws for a secret out of range. */
  publicKey(secret: Uint8Array): Uint8Array
  /** x of the product, unhashed, 32 bytes; in constant time. Throws for an x without a point and a secret out of range. */
  sharedX(secret: Uint8Array, x: Uint8Array): Uint8Array
}

/** Its inner form is the library's affair. */
export type ParsedKey = Uint8Array & { readonly __brand: 'ParsedKey' }

/** SECP256K1_CONTEXT_SIGN and _VERIFY: older versions need them, newer ones take them for none. */
const CONTEXT_FLAGS = 0x301
const PARSED_BYTES = 64
const KEYPAIR_BYTES = 96

/**
 * Loads the library from a file, or by a name that the system's loader knows. Rejects where it can't be loaded and where
 * it lacks what is called here: before version 0.1.0 some functions took other arguments under the same names.
 */
export const loadSecp256k1 = async (place: string): Promise<Secp256k1> => {
  const { default: koffi } = await import('koffi')
  const library = koffi.load(place)
  // All its functions take pointers and lengths and answer 1 or 0.
  const bind = (name: string, ...types: (string | TypeObject)[]): ((...args: unknown[]) => boolean) => {
    const call: (...args: unknown[]) => number = library.func(`secp256k1_${name}`, 'int', types)
    return (...args) => call(...args) === 1
  }
  const has = (name: string): boolean => {
    try {
      library.func(`secp256k1_${name}`, 'int', [])
      return true
    } catch {
      return false
    }
  }
  // It came in the change that gave schnorrsig_verify its length argument: with an older one that call would crash.
  if (!has('schnorrsig_sign_custom')) throw new Error('it has no BIP-340 signatures, or is older than version 0.1.0')

  const P = 'void *'
  const X = koffi.array('uint8', 32, 'Typed')
  const Hash = koffi.pointer(koffi.proto('int', [P, P, P, P]))
  const contextCreate: (flags: number) => unknown = library.func('secp256k1_context_create', P, ['uint'])
  const contextRandomize = bind('context_randomize', P, P)
  const xonlyParse = bind('xonly_pubkey_parse', P, P, P)
  const xonlySerialize = bind('xonly_pubkey_serialize', P, P, P)
  const pubkeyParse = bind('ec_pubkey_parse', P, P, P, 'size_t')
  const keypairCreate = bind('keypair_create', P, P, P)
  const keypairXonly = bind('keypair_xonly_pub', P, P, P, P)
  const schnorrVerify = bind('schnorrsig_verify', P, P, P, 'size_t', P)
  // Of the same form; the first is the name that stayed.
  const schnorrSign = bind(has('schnorrsig_sign32') ? 'schnorrsig_sign32' : 'schnorrsig_sign', P, P, P, P, P)
  const ecdh = bind('ecdh', P, P, P, P, Hash, P)

  const context = contextCreate(CONTEXT_FLAGS)
  // Blinds what is computed with secrets against being read from the outside.
  if (!contextRandomize(context, randomBytes(32))) throw new Error('its context takes no randomness')

  const withKeypair = <T>(secret: Uint8Array, use: (pair: Uint8Array) => T): T => {
    const pair = new Uint8Array(KEYPAIR_BYTES)
    try {
      if (!keypairCreate(context, pair, sized('secret', secret, 32))) throw new RangeError('the secret is out of range')
      return use(pair)
    } finally {
      pair.fill(0)
    }
  }

  return {
    parseKey: (x) => {
      const key = new Uint8Array(PARSED_BYTES)
      return xonlyParse(context, key, sized('key', x, 32)) ? (key as ParsedKey) : undefined
    },
    verify: (sig, digest, key) =>
      schnorrVerify(context, sized('signature', sig, 64), sized('digest', digest, 32), 32, key),
    sign: (digest, secret, aux) =>
      withKeypair(secret, (pair) => {
        const sig = new Uint8Array(64)
        const done = schnorrSign(context, sig, sized('digest', digest, 32), pair, sized('randomness', aux, 32))
        if (!done) throw new Error('libsecp256k1 could not sign')
        return sig
      }),
    publicKey: (secret) =>
      withKeypair(secret, (pair) => {
        const key = new Uint8Array(PARSED_BYTES)
        const x = new Uint8Array(32)
        if (!keypairXonly(context, key, null, pair) || !xonlySerialize(context, x, key)) {
          throw new Error('libsecp256k1 could not derive the public key')
        }
        return x
      }),
    sharedX: (secret, x) => {
      const compressed = new Uint8Array(33)
      // NIP-44 takes the even point of an x-only key.
      compressed[0] = 2
      compressed.set(sized('key', x, 32), 1)
      const point = new Uint8Array(PARSED_BYTES)
      if (!pubkeyParse(context, point, compressed, 33)) throw new RangeError('the key is no point of the curve')
      // The library hashes the point before it gives it out, unless it is given another function in place of its own.
      // Multiplying the point by the other call it has would leak the secret through the time it takes.
      let shared: Uint8Array = new Uint8Array(0)
      const keepX = (_out: unknown, sharedX: unknown): number => {
        shared = Uint8Array.from(koffi.decode(sharedX, X) as Uint8Array)
        return 1
      }
      const unused = new Uint8Array(32)
      if (!ecdh(context, unused, point, sized('secret', secret, 32), keepX, null)) {
        throw new RangeError('the secret is out of range')
      }
      return shared
    },
  }
}
