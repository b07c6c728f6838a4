import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { schnorr } from '@noble/curves/secp256k1.js'
import { v2 } from 'nostr-tools/nip44'
import { nodeHashes } from '../../src/crypto/hashes.js'
import { nip44 } from '../../src/crypto/nip44.js'
import type { Proof, Pubkey } from '../../src/core/types.js'
import type { CryptoEngine } from '../../src/ports.js'

const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex')
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))
const secretOf = (name: string): Uint8Array => nodeHashes.sha256(`ksp test key ${name}`)
const byteArray = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })

/** [secret or '', public key, aux, digest, signature, whether it holds]: BIP-340's own vectors with 32-byte digests. */
const BIP340: readonly (readonly [string, string, string, string, string, boolean])[] = [
  [
    '0000000000000000000000000000000000000000000000000000000000000003',
    'f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9',
    '0000000000000000000000000000000000000000000000000000000000000000',
    '0000000000000000000000000000000000000000000000000000000000000000',
    'e907831f80848d1069a5371b402410364bdf1c5f8307b0084c55f1ce2dca821525f66a4a85ea8b71e482a74f382d2ce5ebeee8fdb2172f477df4900d310536c0',
    true,
  ],
  [
    'b7e151628aed2a6abf7158809cf4f3c762e7160f38b4da56a784d9045190cfef',
    'dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659',
    '0000000000000000000000000000000000000000000000000000000000000001',
    '243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89',
    '6896bd60eeae296db48a229ff71dfe071bde413e6d43f917dc8dcf8c78de33418906d11ac976abccb20b091292bff4ea897efcb639ea871cfa95f6de339e4b0a',
    true,
  ],
  // Public key not on the curve.
  [
    '',
    'eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34',
    '',
    '243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89',
    '6cff5c3ba86c69ea4b7376f31a9bcb4f74c1976089b2d9963da2e5543e17776969e89b4c5564d00349106b8497785dd7d1d713a8ae82b32fa79d5f7fc407d39b',
    false,
  ],
  // s is the group's order.
  [
    '',
    'dff1d77f2a671c5f36183726db2341be58feae1da2deced843240f7b502ba659',
    '',
    '243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89',
    '6cff5c3ba86c69ea4b7376f31a9bcb4f74c1976089b2d9963da2e5543e177769fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141',
    false,
  ],
  // The public key is not below the field's size.
  [
    '',
    'fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc30',
    '',
    '243f6a8885a308d313198a2e03707344a4093822299f31d0082efa98ec4e6c89',
    '6cff5c3ba86c69ea4b7376f31a9bcb4f74c1976089b2d9963da2e5543e17776969e89b4c5564d00349106b8497785dd7d1d713a8ae82b32fa79d5f7fc407d39b',
    false,
  ],
]

/** What every CryptoEngine does alike, whatever does the work. */
export const cryptoEngineContract = (name: string, open: () => Promise<CryptoEngine>): void => {
  describe(`crypto engine: ${name}`, () => {
    it("signs as BIP-340's vectors do and tells their good signatures from the bad", async () => {
      const engine = await open()
      for (const [secret, pubkey, aux, digest, sig, holds] of BIP340) {
        if (secret !== '') {
          expect(hex(engine.publicKey(bytes(secret)))).toBe(pubkey)
          expect(hex(engine.sign(bytes(digest), bytes(secret), bytes(aux)))).toBe(sig)
        }
        expect(engine.verify({ digest, pubkey: pubkey as Pubkey, sig })).toBe(holds)
      }
    })

    it('agrees with an independent implementation on signatures, in both directions', async () => {
      const engine = await open()
      fc.assert(
        fc.property(byteArray(32), byteArray(32), fc.nat(), (digest, aux, n) => {
          const secret = secretOf(String(n))
          const sig = engine.sign(digest, secret, aux)
          expect(hex(sig)).toBe(hex(schnorr.sign(digest, secret, aux)))
          expect(schnorr.verify(sig, digest, engine.publicKey(secret))).toBe(true)
        }),
        { numRuns: 10 },
      )
    })

    it('refuses a signature with any one bit changed', async () => {
      const engine = await open()
      const secret = secretOf('alpha')
      const digest = nodeHashes.sha256('anything')
      const sig = engine.sign(digest, secret, new Uint8Array(32))
      const pubkey = hex(engine.publicKey(secret)) as Pubkey
      fc.assert(
        fc.property(fc.nat(511), (bit) => {
          const changed = Uint8Array.from(sig)
          changed[bit >> 3]! ^= 1 << (bit & 7)
          expect(engine.verify({ digest: hex(digest), pubkey, sig: hex(changed) })).toBe(false)
        }),
        { numRuns: 40 },
      )
    })

    it('answers false to input of any form, and never throws', async () => {
      const engine = await open()
      const anything = fc.oneof(fc.anything(), fc.string(), byteArray(32).map(hex), byteArray(64).map(hex))
      fc.assert(
        fc.property(anything, anything, anything, (digest, pubkey, sig) => {
          expect(engine.verify({ digest, pubkey, sig } as unknown as Proof)).toBe(false)
        }),
        { numRuns: 200 },
      )
    })

    it('takes lowercase hex only, so that one key has one name', async () => {
      const engine = await open()
      const [, pubkey, , digest, sig] = BIP340[1]!
      expect(engine.verify({ digest: digest.toUpperCase(), pubkey: pubkey as Pubkey, sig })).toBe(false)
      expect(engine.verify({ digest, pubkey: pubkey.toUpperCase() as Pubkey, sig })).toBe(false)
      expect(engine.verify({ digest, pubkey: pubkey as Pubkey, sig: sig.toUpperCase() })).toBe(false)
    })

    it('makes the shared secret that NIP-44 implementations agree on', async () => {
      const engine = await open()
      const [a, b] = [secretOf('alpha'), secretOf('beta')]
      const [keyA, keyB] = [hex(engine.publicKey(a)) as Pubkey, hex(engine.publicKey(b)) as Pubkey]

      const shared = engine.sharedX(a, keyB)

      expect(hex(shared)).toBe(hex(engine.sharedX(b, keyA)))
      expect(shared).toHaveLength(32)
      expect(hex(nip44.conversationKey(shared))).toBe(hex(v2.utils.getConversationKey(a, keyB)))
    })

    it('throws for a key that is no point and for a secret out of range', async () => {
      const engine = await open()
      const secret = secretOf('alpha')
      const key = hex(engine.publicKey(secret)) as Pubkey
      expect(() => engine.sharedX(secret, BIP340[2]![1] as Pubkey)).toThrow()
      expect(() => engine.sharedX(secret, 'abc' as Pubkey)).toThrow(RangeError)
      expect(() => engine.sharedX(new Uint8Array(32), key)).toThrow()
      expect(() => engine.publicKey(new Uint8Array(32).fill(255))).toThrow()
      expect(() => engine.sign(new Uint8Array(32), new Uint8Array(32), new Uint8Array(32))).toThrow()
    })

    it('throws for bytes of any other length than asked for, and for what are no bytes', async () => {
      const engine = await open()
      const [secret, digest, aux] = [secretOf('alpha'), nodeHashes.sha256('anything'), new Uint8Array(32)]
      const key = hex(engine.publicKey(secret)) as Pubkey
      const wrong = [
        new Uint8Array(0),
        secret.subarray(1),
        new Uint8Array([...secret, 1]),
        new Uint8Array(64).fill(1),
        hex(secret),
        [...secret],
        { length: 32 },
        null,
        undefined,
        7,
      ] as unknown as Uint8Array[]
      for (const bad of wrong) {
        expect(() => engine.publicKey(bad)).toThrow(RangeError)
        expect(() => engine.sign(bad, secret, aux)).toThrow(RangeError)
        expect(() => engine.sign(digest, bad, aux)).toThrow(RangeError)
        expect(() => engine.sign(digest, secret, bad)).toThrow(RangeError)
        expect(() => engine.sharedX(bad, key)).toThrow(RangeError)
      }
    })

    it('reads bytes where they stand within a larger buffer, and changes none of them', async () => {
      const engine = await open()
      const [secret, digest] = [secretOf('alpha'), nodeHashes.sha256('anything')]
      const larger = Uint8Array.from([7, ...secret, ...digest, 7])
      const before = hex(larger)
      const [s, d] = [larger.subarray(1, 33), larger.subarray(33, 65)]

      expect(hex(engine.publicKey(s))).toBe(hex(engine.publicKey(secret)))
      expect(hex(engine.sign(d, s, d))).toBe(hex(engine.sign(digest, secret, digest)))
      expect(hex(larger)).toBe(before)
    })
  })
}
