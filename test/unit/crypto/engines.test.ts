import { describe, expect, it } from 'vitest'
import { engineFlaw } from '../../../src/crypto/engine-check.js'
import { openEngine } from '../../../src/crypto/engine.js'
import { jsEngine } from '../../../src/crypto/engine-js.js'
import { cryptoEngineContract } from '../../contracts/crypto-engine.js'

cryptoEngineContract('wasm', () => openEngine('wasm'))
cryptoEngineContract('js', () => openEngine('js'))

describe('openEngine', () => {
  it('takes the fastest engine that works here', async () => {
    const engine = await openEngine()
    expect(engine.name).toBe('wasm')
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
    expect(engineFlaw({ ...jsEngine, sharedX: (secret) => secret })).toBe('agrees on no shared secret')
    expect(engineFlaw({ ...jsEngine, verify: broken })).toBe('threw: no memory')
  })
})
