import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as nip19 from 'nostr-tools/nip19'
import { IdentityError } from '../../../src/identity/identity-error.js'
import { formOf, newSecret, nsecOf, pubkeyOf, readPlain, seal, unseal } from '../../../src/identity/secret-key.js'

/** From the text of NIP-49. */
const NIP49 = {
  ncryptsec:
    'ncryptsec1qgg9947rlpvqu76pj5ecreduf9jxhselq2nae2kghhvd5g7dgjtcxfqtd67p9m0w57lspw8gsq6yphnm8623nsl8xn9j4jdzz84zm3frztj3z7s35vpzmqf6ksu8r89qk5z2zxfmu5gv8th8wclt0h4p',
  passphrase: 'nostr',
  secret: '3501454135014541350145413501453fefb02227e449e57cf4d3a3ce05378683',
}

const codeOf = (act: () => unknown): string => {
  try {
    act()
  } catch (error) {
    if (error instanceof IdentityError) return error.code
    throw error
  }
  return 'none'
}

describe('secret keys', () => {
  it('are read from the vector of NIP-49', () => {
    expect(Buffer.from(unseal(NIP49.ncryptsec, NIP49.passphrase, 'x')).toString('hex')).toBe(NIP49.secret)
  })

  it('are the same from nsec and from hex, in either case of letters', () => {
    const secret = newSecret()
    const hex = Buffer.from(secret).toString('hex')

    for (const text of [hex, hex.toUpperCase(), nsecOf(secret), nsecOf(secret).toUpperCase()]) {
      expect(readPlain(text)).toEqual(secret)
    }
    expect(nsecOf(secret)).toBe(nip19.nsecEncode(secret))
    expect(pubkeyOf(readPlain(NIP49.secret))).toMatch(/^[0-9a-f]{64}$/)
  })

  it('come back from under any passphrase, composed or decomposed alike', () => {
    const secret = newSecret()
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }), (passphrase) => {
        expect(unseal(seal(secret, passphrase, 2, 'imported'), passphrase, 'x')).toEqual(secret)
      }),
      { numRuns: 25 },
    )
    expect(unseal(seal(secret, 'ÅΩẛ̣', 2, 'imported'), 'ÅΩṩ'.normalize('NFD'), 'x')).toEqual(secret)
  })

  it.each([
    ['nothing', ''],
    ['zero', '0'.repeat(64)],
    ['the order of the curve', 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'],
    ['a damaged nsec', `${nsecOf(newSecret()).slice(0, -1)}1`],
    ['an npub', nip19.npubEncode(pubkeyOf(newSecret()))],
    ['a short hex', 'ab'.repeat(31)],
  ])('are refused as %s', (_, text) => {
    expect(codeOf(() => readPlain(text))).toBe('bad-secret')
  })

  it('tells a damaged ncryptsec from a wrong passphrase', () => {
    expect(codeOf(() => unseal(NIP49.ncryptsec, 'nostR', 'x'))).toBe('wrong-passphrase')
    expect(codeOf(() => unseal(`${NIP49.ncryptsec.slice(0, -1)}q`, NIP49.passphrase, 'x'))).toBe('bad-secret')
    expect(codeOf(() => unseal('ncryptsec1', NIP49.passphrase, 'x'))).toBe('bad-secret')
    expect(codeOf(() => unseal(NIP49.secret, NIP49.passphrase, 'x'))).toBe('bad-secret')
  })

  it('refuses a work factor that would eat the memory, before any work is done', () => {
    // Version 2, log_n 31: the first 16 bits are 0x021f.
    const greedy = NIP49.ncryptsec.replace('ncryptsec1qgg9', 'ncryptsec1qg09')
    const message = ((): string => {
      try {
        unseal(greedy, 'x', 'x')
        return ''
      } catch (error) {
        return String(error)
      }
    })()

    expect(message).toMatch(/more than the 2\^20 allowed/)
  })

  it('refuses another version of NIP-49', () => {
    expect(codeOf(() => unseal(NIP49.ncryptsec.replace('ncryptsec1qgg', 'ncryptsec1qvg'), 'x', 'x'))).toBe(
      'not-available',
    )
  })

  it('are told apart by their look', () => {
    expect([nsecOf(newSecret()), NIP49.ncryptsec, NIP49.secret, 'ezra', './file', ''].map(formOf)).toEqual([
      'nsec',
      'ncryptsec',
      'hex',
      'other',
      'other',
      'other',
    ])
  })

  it('never appear in an error', () => {
    const nsec = nsecOf(newSecret())
    const attempts = [
      () => readPlain(`${nsec}x`),
      () => readPlain(nsec.replace('nsec1', 'nsec1q')),
      () => unseal(`${NIP49.ncryptsec}x`, NIP49.passphrase, 'x'),
    ]
    for (const attempt of attempts) {
      try {
        attempt()
        expect.unreachable()
      } catch (error) {
        const told = error instanceof IdentityError ? `${error.message} ${error.hint} ${String(error.cause)}` : ''
        expect(told).not.toBe('')
        expect(told).not.toContain(nsec.slice(6, 20))
        expect(told).not.toContain(NIP49.ncryptsec.slice(12, 30))
      }
    }
  })
})
