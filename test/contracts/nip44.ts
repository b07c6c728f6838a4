import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { v2 } from 'nostr-tools/nip44'
import type { Nip44 } from '../../src/ports.js'

const key = Buffer.from('ada6c96b2af371860ba2c3edd308e5e8832f24ad0b523a5640de90de46d780f8', 'hex')
const nonce = Buffer.from('d21a82c62e034b48d451a9271e695e81f9778a50a8b2e0be7303c04f73ebf5cf', 'hex')

/** Text that survives UTF-8 (no lone surrogates), without the byte order mark that nostr-tools drops. */
const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 2_000 }).filter((s) => !s.startsWith('\uFEFF'))

/** What every implementation of NIP-44 v2 does alike. */
export const nip44Contract = (name: string, nip44: Nip44): void => {
  describe(`NIP-44: ${name}`, () => {
    it('encrypts byte for byte as nostr-tools does', () => {
      fc.assert(
        fc.property(text, fc.uint8Array({ minLength: 32, maxLength: 32 }), (plaintext, random) => {
          expect(nip44.encrypt(plaintext, key, random)).toBe(v2.encrypt(plaintext, key, random))
        }),
      )
    })

    it('decrypts what nostr-tools encrypts, and the other way round', () => {
      fc.assert(
        fc.property(text, (plaintext) => {
          expect(nip44.decrypt(v2.encrypt(plaintext, key, nonce), key)).toBe(plaintext)
          expect(v2.decrypt(nip44.encrypt(plaintext, key, nonce), key)).toBe(plaintext)
        }),
      )
    })

    it('pads every length as the NIP says', () => {
      for (const length of [1, 31, 32, 33, 64, 65, 255, 256, 257, 1024, 1025, 40_960, 65_534, 65_535]) {
        const plaintext = 'x'.repeat(length)
        const payload = nip44.encrypt(plaintext, key, nonce)
        expect(payload).toBe(v2.encrypt(plaintext, key, nonce))
        expect(nip44.decrypt(payload, key)).toBe(plaintext)
      }
    })

    it('refuses to encrypt nothing, and more than 65,535 bytes', () => {
      expect(() => nip44.encrypt('', key, nonce)).toThrow(RangeError)
      expect(() => nip44.encrypt('x'.repeat(65_536), key, nonce)).toThrow(RangeError)
      expect(() => nip44.encrypt('€'.repeat(21_846), key, nonce)).toThrow(RangeError)
    })

    it('refuses a payload with any one character changed, and one for another key', () => {
      const payload = nip44.encrypt('the text', key, nonce)
      const other = Buffer.from(key).fill(7)
      expect(nip44.decrypt(payload, other)).toBeUndefined()
      fc.assert(
        fc.property(
          fc.nat(payload.length - 1),
          fc.constantFrom('A', 'B', '+', '/', '=', '-', ' ', '\n'),
          (at, char) => {
            fc.pre(payload[at] !== char)
            expect(nip44.decrypt(payload.slice(0, at) + char + payload.slice(at + 1), key)).toBeUndefined()
          },
        ),
        { numRuns: 300 },
      )
    })

    it('refuses junk of any form without throwing', () => {
      fc.assert(
        fc.property(fc.oneof(fc.string(), fc.base64String({ maxLength: 400 })), (junk) => {
          expect(nip44.decrypt(junk, key)).toBeUndefined()
        }),
      )
      expect(nip44.decrypt('A'.repeat(87_476), key)).toBeUndefined()
      expect(nip44.decrypt('A'.repeat(10_000_000), key)).toBeUndefined()
    })

    it('gives and reads the reference vector', () => {
      const fixture = new URL('../fixtures/nip44.json', import.meta.url)
      const vector = JSON.parse(readFileSync(fixture, 'utf8')) as Record<
        'conversation_key' | 'nonce' | 'plaintext' | 'payload',
        string
      >
      const conversation = Buffer.from(vector.conversation_key, 'hex')
      expect(nip44.decrypt(vector.payload, conversation)).toBe(vector.plaintext)
      expect(nip44.encrypt(vector.plaintext, conversation, Buffer.from(vector.nonce, 'hex'))).toBe(vector.payload)
    })
  })
}
