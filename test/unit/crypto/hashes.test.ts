import { describe, expect, it } from 'vitest'
import { shake256 } from '@noble/hashes/sha3.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'

const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex')

describe('nodeHashes', () => {
  it('hashes text as its UTF-8 bytes', () => {
    expect(nodeHashes.sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    expect(nodeHashes.sha256Hex('grüße €')).toBe(nodeHashes.sha256Hex(new TextEncoder().encode('grüße €')))
    expect(hex(nodeHashes.sha256('abc'))).toBe(nodeHashes.sha256Hex('abc'))
  })

  it('gives SHAKE256 output of the length asked for, also beyond one block', () => {
    const data = new TextEncoder().encode('a lane')
    for (const length of [1, 32, 136, 137, 2048]) {
      expect(hex(nodeHashes.shake256(data, length))).toBe(hex(shake256(data, { dkLen: length })))
    }
  })
})
