import type { Pubkey } from '../core/types.js'
import type { CryptoEngine } from '../ports.js'

/** Vectors 1 and 0 of BIP-340. */
const KEY = {
  secret: 'b7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfef',
  pubkey: 'dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659' as Pubkey,
  aux: '0000000000000000000000000000000000000000000000000000000000000001',
  digest: '243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89',
  sig:
    '6896bd60eeae296db48a229ff71dfe071bde413e6d43f917dc8dcf8c78de3341' +
    '8906d11ac976abccb20b091292bff4ea897efcb639ea871cfa95f6de339e4b0a',
}
const OTHER = {
  secret: '0000000000000000000000000000000000000000000000000000000000000003',
  pubkey: 'f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9' as Pubkey,
}
/** x of the point that the two share: neither hashed, as libraries like to give it, nor anything else. */
const SHARED = 'f549c8c8f9b44c4aab3e352998dd736d1247a3dcac80f5b0360f54f7dafd2bd5'
/** An x coordinate that no point of the curve has (BIP-340, vector 5). */
const NO_POINT = 'eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34' as Pubkey

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex')
const flipped = (sig: string): string => (sig.startsWith('0') ? '1' : '0') + sig.slice(1)

/**
 * What is wrong with an engine, or undefined. A wrong build of a curve library is silent and fatal in both directions (it
 * refuses what is right or takes what is forged), so an engine shows at start that it can tell good from bad.
 */
export const engineFlaw = (engine: CryptoEngine): string | undefined => {
  const proof = { digest: KEY.digest, pubkey: KEY.pubkey, sig: KEY.sig }
  try {
    if (hex(engine.publicKey(bytes(KEY.secret))) !== KEY.pubkey) return 'derives a wrong public key'
    if (hex(engine.sign(bytes(KEY.digest), bytes(KEY.secret), bytes(KEY.aux))) !== KEY.sig) return 'signs wrongly'
    if (!engine.verify(proof)) return 'refuses a good signature'
    const bad = [
      { ...proof, sig: flipped(KEY.sig) },
      { ...proof, digest: flipped(KEY.digest) },
      { ...proof, pubkey: OTHER.pubkey },
      { ...proof, pubkey: NO_POINT },
      { ...proof, sig: '0'.repeat(128) },
      { ...proof, sig: 'f'.repeat(128) },
      { ...proof, sig: '' },
    ]
    if (bad.some((forged) => engine.verify(forged))) return 'takes a bad signature'
    if (hex(engine.sharedX(bytes(KEY.secret), OTHER.pubkey)) !== SHARED) return 'shares a wrong secret'
    if (hex(engine.sharedX(bytes(OTHER.secret), KEY.pubkey)) !== SHARED) return 'shares a wrong secret'
    return undefined
  } catch (error) {
    return `threw: ${error instanceof Error ? error.message : String(error)}`
  }
}
