import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { openEngine } from '../../../src/crypto/engine.js'
import type { Proof, Pubkey } from '../../../src/core/types.js'
import type { CryptoEngine } from '../../../src/ports.js'
import { nativeMissing } from '../../support/secp256k1.js'

const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex')
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'))
const number = (n: bigint): string => n.toString(16).padStart(64, '0')

/** The field's size and the group's order. */
const P = 2n ** 256n - 2n ** 32n - 977n
const N = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const EDGES = [0n, 1n, 2n, N - 1n, N, N + 1n, P - 1n, P, P + 1n, 2n ** 256n - 1n].map(number)
/** An x that no point of the curve has (BIP-340, vector 5). */
const NO_POINT = 'eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34'

const words = (length: number) => fc.uint8Array({ minLength: length, maxLength: length }).map(hex)
/** 32 bytes: any, or of those at which an implementation that is off by one shows it. */
const half = fc.oneof(words(32), fc.constantFrom(...EDGES, NO_POINT))

const tried = <T>(what: () => T): T | 'threw' => {
  try {
    return what()
  } catch {
    return 'threw'
  }
}

/** One answer of all engines; a failure names who said what. */
const agreed = <T>(engines: readonly CryptoEngine[], ask: (engine: CryptoEngine) => T): T => {
  const answers = engines.map((engine) => [engine.name, ask(engine)] as const)
  const first = answers[0]![1]
  expect(Object.fromEntries(answers)).toEqual(Object.fromEntries(engines.map(({ name }) => [name, first])))
  return first
}

describe('all engines', () => {
  let engines: CryptoEngine[] = []
  beforeAll(async () => {
    const names = nativeMissing() === undefined ? (['native', 'wasm', 'js'] as const) : (['wasm', 'js'] as const)
    engines = await Promise.all(names.map((name) => openEngine(name)))
  })

  const signed = (n: number, digest: string): Proof => {
    const secret = nodeHashes.sha256(`ksp test key ${n}`)
    const pubkey = hex(engines[0]!.publicKey(secret)) as Pubkey
    return { digest, pubkey, sig: hex(engines[0]!.sign(bytes(digest), secret, new Uint8Array(32))) }
  }

  it('take each other’s signatures, and refuse them with any byte changed, anywhere', () => {
    fc.assert(
      fc.property(fc.nat(20), words(32), fc.nat(127), fc.integer({ min: 1, max: 255 }), (n, digest, at, change) => {
        const proof = signed(n, digest)
        const all = bytes(proof.digest + proof.pubkey + proof.sig)
        all[at]! ^= change
        const text = hex(all)
        const changed = { digest: text.slice(0, 64), pubkey: text.slice(64, 128) as Pubkey, sig: text.slice(128) }

        expect(agreed(engines, (e) => e.verify(proof))).toBe(true)
        expect(agreed(engines, (e) => e.verify(changed))).toBe(false)
      }),
      { numRuns: 60 },
    )
  })

  it('agree on proofs put together of edge values, of points that are none and of parts of good ones', () => {
    const good = fc.tuple(fc.nat(3), fc.constantFrom(number(1n), number(P))).map(([n, digest]) => signed(n, digest))
    const part = (name: keyof Proof) => good.map((proof): string => proof[name])
    fc.assert(
      fc.property(
        fc.oneof(half, part('digest')),
        fc.oneof(half, part('pubkey')),
        fc.oneof(
          half,
          part('sig').map((sig) => sig.slice(0, 64)),
        ),
        fc.oneof(
          half,
          part('sig').map((sig) => sig.slice(64)),
        ),
        (digest, pubkey, r, s) => {
          agreed(engines, (e) => e.verify({ digest, pubkey: pubkey as Pubkey, sig: r + s }))
        },
      ),
      { numRuns: 150 },
    )
  })

  it('refuse every edge value as a key, and sign with the same secrets', () => {
    const proof = signed(1, number(7n))
    for (const pubkey of [...EDGES, NO_POINT]) {
      expect(agreed(engines, (e) => e.verify({ ...proof, pubkey: pubkey as Pubkey }))).toBe(false)
    }
    const usable = [...EDGES, NO_POINT].filter(
      (secret) => agreed(engines, (e) => tried(() => hex(e.publicKey(bytes(secret))))) !== 'threw',
    )
    expect(usable).toEqual([1n, 2n, N - 1n].map(number).concat(NO_POINT))
  })

  it('derive the same keys, signatures and shared secrets, and throw for the same input', () => {
    fc.assert(
      fc.property(half, half, words(32), words(32), (secret, pubkey, digest, aux) => {
        agreed(engines, (e) => tried(() => hex(e.publicKey(bytes(secret)))))
        agreed(engines, (e) => tried(() => hex(e.sign(bytes(digest), bytes(secret), bytes(aux)))))
        agreed(engines, (e) => tried(() => hex(e.sharedX(bytes(secret), pubkey as Pubkey))))
      }),
      { numRuns: 80 },
    )
  })
})
