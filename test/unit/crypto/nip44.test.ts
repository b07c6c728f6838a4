import { describe, expect, it } from 'vitest'
import { nip44, nip44Works } from '../../../src/crypto/nip44.js'
import { jsNip44 } from '../../../src/crypto/nip44-js.js'
import { nodeNip44 } from '../../../src/crypto/nip44-node.js'
import { nip44Contract } from '../../contracts/nip44.js'

nip44Contract('OpenSSL', nodeNip44)
nip44Contract('pure JavaScript', jsNip44)

describe('the choice of the NIP-44 implementation', () => {
  it('is OpenSSL where its ChaCha20 works', () => {
    expect(nip44).toBe(nodeNip44)
  })

  it('is made by a self-test that finds wrong answers, forgeries taken and a missing cipher', () => {
    const missing = (): never => {
      throw new Error('Unknown cipher')
    }
    expect(nip44Works(jsNip44)).toBe(true)
    expect(nip44Works({ ...nodeNip44, encrypt: () => 'AAAA' })).toBe(false)
    expect(nip44Works({ ...nodeNip44, decrypt: () => 'a' })).toBe(false)
    expect(nip44Works({ ...nodeNip44, encrypt: missing })).toBe(false)
  })
})

describe('NIP-44 on OpenSSL', () => {
  const key = new Uint8Array(32).fill(9)
  const nonce = new Uint8Array(32).fill(3)

  it('gives back a byte order mark', () => {
    expect(nodeNip44.decrypt(nodeNip44.encrypt('\uFEFFtext', key, nonce), key)).toBe('\uFEFFtext')
  })

  it('takes a nonce of 32 bytes only', () => {
    expect(() => nodeNip44.encrypt('text', key, new Uint8Array(31))).toThrow(RangeError)
  })
})
