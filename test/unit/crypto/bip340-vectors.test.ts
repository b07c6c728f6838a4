import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Pubkey } from '../../../src/core/types.js'
import { openEngine, type EngineName } from '../../../src/crypto/engine.js'
import type { CryptoEngine } from '../../../src/ports.js'
import { nativeMissing } from '../../support/secp256k1.js'

const raw = readFileSync(new URL('../../fixtures/bip340.vectors.csv', import.meta.url))
const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex')

interface Vector {
  readonly index: string
  readonly secret: string
  readonly pubkey: string
  readonly aux: string
  readonly message: string
  readonly sig: string
  readonly isValid: boolean
  readonly comment: string
}
const vectors = raw
  .toString()
  .trim()
  .split(/\r?\n/)
  .slice(1)
  .map((line): Vector => {
    const [index = '', secret = '', pubkey = '', aux = '', message = '', sig = '', result, ...comment] = line.split(',')
    const [s, p, a, m, g] = [secret, pubkey, aux, message, sig].map((field) => field.toLowerCase())
    return {
      ...{ index, secret: s!, pubkey: p!, aux: a!, message: m!, sig: g! },
      isValid: result === 'TRUE',
      comment: comment.join(),
    }
  })
/** A digest, which is all that Nostr signs; the newest vectors are of messages of other lengths too. */
const ofDigests = vectors.filter(({ message }) => message.length === 64)
const ofOthers = vectors.filter(({ message }) => message.length !== 64)
const engines: readonly EngineName[] = nativeMissing() === undefined ? ['native', 'wasm', 'js'] : ['wasm', 'js']

it('BIP-340’s vectors are what was published', () => {
  expect(createHash('sha256').update(raw).digest('hex')).toBe(
    '34c9d1d9c3a88d524bc80778540dc43f8306ec249a7485293063c376db851c2d',
  )
  expect([ofDigests.length, ofOthers.length]).toEqual([15, 4])
})

describe.each(engines)('BIP-340’s vectors with the %s engine', (name) => {
  let engine: CryptoEngine
  beforeAll(async () => {
    engine = await openEngine(name)
  })
  const verify = ({ message, pubkey, sig }: Vector): boolean =>
    engine.verify({ digest: message, pubkey: pubkey as Pubkey, sig })

  it.each(ofDigests)('verify: $index $comment', (vector) => {
    expect(verify(vector)).toBe(vector.isValid)
  })

  it.each(ofOthers)('refuse what is no digest of 32 bytes: $index', (vector) => {
    expect(verify(vector)).toBe(false)
  })

  it.each(ofDigests.filter(({ secret }) => secret !== ''))('sign: $index', ({ secret, pubkey, aux, message, sig }) => {
    expect(hex(engine.publicKey(bytes(secret)))).toBe(pubkey)
    expect(hex(engine.sign(bytes(message), bytes(secret), bytes(aux)))).toBe(sig)
  })
})
