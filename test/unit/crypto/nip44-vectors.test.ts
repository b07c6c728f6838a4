import { createDecipheriv, createHash, createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Pubkey } from '../../../src/core/types.js'
import { openEngine, type EngineName } from '../../../src/crypto/engine.js'
import { jsNip44 } from '../../../src/crypto/nip44-js.js'
import { nodeNip44 } from '../../../src/crypto/nip44-node.js'
import type { CryptoEngine } from '../../../src/ports.js'
import { nativeMissing } from '../../support/secp256k1.js'

/** NIP-44's vectors, of which every edition has other sections and other names (test/fixtures/vectors.md). */
interface Vectors {
  readonly valid: {
    readonly get_conversation_key: readonly { sec1: string; pub2: string; conversation_key: string }[]
    readonly get_message_keys?: {
      readonly conversation_key: string
      readonly keys: readonly Record<'nonce' | 'chacha_key' | 'chacha_nonce' | 'hmac_key', string>[]
    }
    readonly calc_padded_len: readonly (readonly [number, number])[]
    readonly encrypt_decrypt: readonly (Whole & { sec1: string; sec2: string })[]
    readonly encrypt_decrypt_long_msg: readonly Long[]
  }
  readonly invalid: {
    readonly encrypt_msg_lengths: readonly number[]
    readonly get_conversation_key: readonly { sec1: string; pub2: string; note: string }[]
    readonly decrypt: readonly (Whole & { note: string })[]
  }
}
interface Whole {
  readonly conversation_key: string
  readonly nonce: string
  readonly plaintext: string
  readonly payload?: string
  /** What `payload` was called. */
  readonly ciphertext?: string
}
interface Long {
  readonly conversation_key: string
  readonly nonce: string
  readonly pattern?: string
  readonly repeat: number
  readonly plaintext_sha256?: string
  readonly payload_sha256?: string
}

/** What fits without the extended length, which neither side of the bridge has. */
const LONGEST: Long = {
  conversation_key: 'c41c775356fd92eadc63ff5a0dc1da211b268cbea22316767095b2871ea1412d',
  nonce: '0000000000000000000000000000000000000000000000000000000000000001',
  pattern: 'a',
  repeat: 65_535,
  plaintext_sha256: '6e1bebca6a8229364a162a72ef064826c4cd7457bf54f190ef782bd9deff3e42',
  payload_sha256: '6d8c2810d1e870fbaa1f0a0937126cca837a15f9260e27060c331d70a3c0bc84',
}

const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'))
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex')
const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex')
const payloadOf = ({ payload, ciphertext }: Whole): string => payload ?? ciphertext ?? expect.fail('no payload')

/** As NIP-44's text and test/fixtures/vectors.md give them. */
const SUMS = {
  newest: '269ed0f69e4c192512cc779e78c555090cebc7c785b609e338a62afc3ce25040',
  'an earlier edition': 'cedc7f554d62d700977eaced5e2656db52d9485826ab1024977ab8ca777eba57',
}
const newest = process.env['KSP_NIP44_VECTORS']
const editions: readonly (readonly [keyof typeof SUMS, string | URL])[] = [
  ['an earlier edition', new URL('../../fixtures/nip44.vectors.json', import.meta.url)],
  ...(newest === undefined ? [] : [['newest', newest] as const]),
]
const engineNames: readonly EngineName[] = nativeMissing() === undefined ? ['native', 'wasm', 'js'] : ['wasm', 'js']
const symmetric = [
  ['OpenSSL', nodeNip44],
  ['pure JavaScript', jsNip44],
] as const

describe.each(editions)('NIP-44’s vectors (%s)', (name, file) => {
  const raw = readFileSync(file)
  const { v2 } = JSON.parse(raw.toString()) as { v2: Vectors }

  it('are what was published', () => {
    expect(sha256(raw)).toBe(SUMS[name])
  })

  describe.each(engineNames)('with the %s engine', (engineName) => {
    let engine: CryptoEngine
    beforeAll(async () => {
      engine = await openEngine(engineName)
    })
    const shared = (sec: string, pub: string): Uint8Array => engine.sharedX(bytes(sec), pub as Pubkey)

    it.each(symmetric)('give the same conversation keys: %s', (_, nip44) => {
      for (const { sec1, pub2, conversation_key } of v2.valid.get_conversation_key) {
        expect(hex(nip44.conversationKey(shared(sec1, pub2)))).toBe(conversation_key)
      }
    })

    it('refuse keys that are none', () => {
      for (const { sec1, pub2, note } of v2.invalid.get_conversation_key) {
        expect(() => shared(sec1, pub2), note).toThrow()
      }
    })

    it.each(symmetric)('hold a whole conversation, from both ends: %s', (_, nip44) => {
      for (const vector of v2.valid.encrypt_decrypt) {
        const [pub1, pub2] = [vector.sec1, vector.sec2].map((sec) => hex(engine.publicKey(bytes(sec))))
        const sender = nip44.conversationKey(shared(vector.sec1, pub2!))
        const recipient = nip44.conversationKey(shared(vector.sec2, pub1!))

        expect([hex(sender), hex(recipient)]).toEqual([vector.conversation_key, vector.conversation_key])
        expect(nip44.encrypt(vector.plaintext, sender, bytes(vector.nonce))).toBe(payloadOf(vector))
        expect(nip44.decrypt(payloadOf(vector), recipient)).toBe(vector.plaintext)
      }
    })
  })

  describe.each(symmetric)('with %s', (_, nip44) => {
    it('pad', () => {
      const key = new Uint8Array(32).fill(1)
      for (const [length, padded] of v2.valid.calc_padded_len) {
        // One vector is of 65,536 bytes, which no message has.
        if (v2.invalid.encrypt_msg_lengths.includes(length)) continue
        const payload = Buffer.from(nip44.encrypt('x'.repeat(length), key, key), 'base64')
        expect(payload.length, `${length} bytes`).toBe(1 + 32 + 2 + padded + 32)
      }
    })

    const { get_message_keys: ofKeys } = v2.valid
    if (ofKeys !== undefined) {
      it('encrypt with the right keys', () => {
        for (const { nonce, chacha_key, chacha_nonce, hmac_key } of ofKeys.keys) {
          const payload = Buffer.from(nip44.encrypt('a', bytes(ofKeys.conversation_key), bytes(nonce)), 'base64')
          const ciphertext = payload.subarray(33, -32)
          const iv = Buffer.concat([Buffer.alloc(4), bytes(chacha_nonce)])

          const padded = createDecipheriv('chacha20', bytes(chacha_key), iv).update(ciphertext)
          const mac = createHmac('sha256', bytes(hmac_key)).update(bytes(nonce)).update(ciphertext).digest()

          expect(padded).toEqual(Buffer.concat([Buffer.from([0, 1, 0x61]), Buffer.alloc(31)]))
          expect(mac).toEqual(payload.subarray(-32))
        }
      })
    }

    // The earlier edition has one that is too long, and no sums; the last one here is of NIP-44's text.
    it.each([...v2.valid.encrypt_decrypt_long_msg.filter(({ pattern }) => pattern !== undefined), LONGEST])(
      'encrypt and decrypt a long message: $repeat times $pattern',
      (vector) => {
        const plaintext = vector.pattern!.repeat(vector.repeat)
        const payload = nip44.encrypt(plaintext, bytes(vector.conversation_key), bytes(vector.nonce))

        expect(sha256(plaintext)).toBe(vector.plaintext_sha256)
        expect(sha256(payload)).toBe(vector.payload_sha256)
        expect(nip44.decrypt(payload, bytes(vector.conversation_key))).toBe(plaintext)
      },
    )

    it('refuse messages of the wrong length', () => {
      for (const length of v2.invalid.encrypt_msg_lengths) {
        const encrypt = (): string => nip44.encrypt('x'.repeat(length), new Uint8Array(32), new Uint8Array(32))
        expect(encrypt, `${length} bytes`).toThrow(RangeError)
      }
    })

    it('refuse what is not whole', () => {
      expect(v2.invalid.decrypt.length).toBeGreaterThan(0)
      for (const vector of v2.invalid.decrypt) {
        expect(nip44.decrypt(payloadOf(vector), bytes(vector.conversation_key)), vector.note).toBeUndefined()
      }
    })
  })
})
