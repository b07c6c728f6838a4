import { describe, expect, it } from 'vitest'
import { engineFlaw } from '../../../src/crypto/engine-check.js'
import { openEngine } from '../../../src/crypto/engine.js'
import { jsEngine } from '../../../src/crypto/engine-js.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import type { CryptoEngine } from '../../../src/ports.js'
import { cryptoEngineContract } from '../../contracts/crypto-engine.js'
import { nativeExpected, nativeMissing } from '../../support/secp256k1.js'

const missing = nativeMissing()
if (missing === undefined) cryptoEngineContract('native', () => openEngine('native'))
else {
  describe('crypto engine: native', () => {
    it.skipIf(!nativeExpected())(`is here to be tested (${missing})`, () => {
      expect.fail(missing)
    })
  })
}
cryptoEngineContract('wasm', () => openEngine('wasm'))
cryptoEngineContract('js', () => openEngine('js'))

describe('openEngine', () => {
  it.skipIf(missing !== undefined)('takes the native engine where there is one, and tells its file', async () => {
    const engine = await openEngine()

    expect(engine).toMatchObject({ name: 'native', library: process.env['KSP_LIBSECP256K1'] })
    expect(engine.reason).toBeUndefined()
  })

  it('takes WASM where there is none, and tells why', async () => {
    const engine = await openEngine('auto', { secp256k1: [] })

    expect(engine.name).toBe('wasm')
    expect(engine.reason).toMatch(/^the native engine can't be used: libsecp256k1 is not installed \(packages: /)
  })

  it('takes the one it is told to, or none', async () => {
    expect(await openEngine('js')).toMatchObject({ name: 'js', reason: 'js was asked for' })
    await expect(openEngine('native', { secp256k1: ['/nowhere/libsecp256k1.so.1'] })).rejects.toThrow(
      "the native engine can't be used: /nowhere/libsecp256k1.so.1 does not exist",
    )
  })
})

describe('the self-test of an engine', () => {
  it('finds nothing wrong with a good one', () => {
    expect(engineFlaw(jsEngine)).toBeUndefined()
  })

  it('finds an engine that takes everything, one that refuses everything and one that breaks', () => {
    const broken = (): never => {
      throw new Error('no memory')
    }
    expect(engineFlaw({ ...jsEngine, verify: () => true })).toBe('takes a bad signature')
    expect(engineFlaw({ ...jsEngine, verify: () => false })).toBe('refuses a good signature')
    expect(engineFlaw({ ...jsEngine, sign: () => new Uint8Array(64) })).toBe('signs wrongly')
    expect(engineFlaw({ ...jsEngine, publicKey: () => new Uint8Array(32) })).toBe('derives a wrong public key')
    const hashed: CryptoEngine['sharedX'] = (secret, pubkey) => nodeHashes.sha256(jsEngine.sharedX(secret, pubkey))
    expect(engineFlaw({ ...jsEngine, sharedX: (secret) => secret })).toBe('shares a wrong secret')
    expect(engineFlaw({ ...jsEngine, sharedX: hashed })).toBe('shares a wrong secret')
    expect(engineFlaw({ ...jsEngine, verify: broken })).toBe('threw: no memory')
  })
})
