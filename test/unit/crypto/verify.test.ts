import { describe, expect, it } from 'vitest'
import { jsEngine } from '../../../src/crypto/engine-js.js'
import { openEngine } from '../../../src/crypto/engine.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { engineVerifier } from '../../../src/crypto/verify.js'
import type { Proof, Pubkey } from '../../../src/core/types.js'
import type { CryptoEngine } from '../../../src/ports.js'

const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex')

const signedProofs = (engine: CryptoEngine, count: number): Proof[] => {
  const secret = nodeHashes.sha256('ksp test key alpha')
  const pubkey = hex(engine.publicKey(secret)) as Pubkey
  return Array.from({ length: count }, (_, i) => {
    const digest = nodeHashes.sha256(`digest ${i}`)
    return { digest: hex(digest), pubkey, sig: hex(engine.sign(digest, secret, new Uint8Array(32))) }
  })
}

describe('engineVerifier', () => {
  it('answers in the order of the batch', async () => {
    const engine = await openEngine()
    const proofs = signedProofs(engine, 100)
    const batch = proofs.map((p, i) => (i % 7 === 3 ? { ...p, sig: proofs[0]!.sig } : p))

    const answers = await engineVerifier(engine).verify(batch)

    expect(answers).toEqual(batch.map((_, i) => i % 7 !== 3))
  })

  it('answers an empty batch with nothing', async () => {
    expect(await engineVerifier(await openEngine()).verify([])).toEqual([])
  })

  it.each([
    ['native', 2_560],
    ['wasm', 320],
    ['js', 80],
  ] as const)('lets the event loop turn ten times within a long batch of the %s engine', async (name, count) => {
    const engine: CryptoEngine = { ...jsEngine, name, verify: () => true }
    const proof: Proof = { digest: '', pubkey: '' as Pubkey, sig: '' }
    let turns = 0
    let running = true
    const onTurn = (): void => {
      turns++
      if (running) setImmediate(onTurn)
    }
    setImmediate(onTurn)

    const answers = await engineVerifier(engine).verify(Array.from({ length: count }, () => proof))

    running = false
    expect(answers).toHaveLength(count)
    expect(turns).toBeGreaterThanOrEqual(9)
  })
})
