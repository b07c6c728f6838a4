import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import { decode, nsecEncode } from 'nostr-tools/nip19'
import { decrypt, encrypt } from 'nostr-tools/nip49'
import { bytesOf, hexOf } from '../core/hex.js'
import type { Pubkey } from '../core/types.js'
import { IdentityError } from './identity-error.js'

/** A secret key in its written forms: nsec (NIP-19), ncryptsec (NIP-49), hex. Errors never repeat what was given. */

/** About 64 MiB and a third of a second for each try at a passphrase. */
export const DEFAULT_LOG_N = 16
/** 1 GiB. More is no protection but an attack on our memory by whoever wrote the text. */
const MAX_LOG_N = 20

export const newSecret = (): Uint8Array => schnorr.utils.randomSecretKey()

export const pubkeyOf = (secret: Uint8Array): Pubkey => hexOf(schnorr.getPublicKey(secret)) as Pubkey

/** The text holds the secret in the clear: for a person who asked for just that. */
export const nsecOf = (secret: Uint8Array): string => nsecEncode(secret)

/** What a text is, by its look alone. */
export const formOf = (text: string): 'nsec' | 'ncryptsec' | 'hex' | 'other' => {
  if (/^nsec1/i.test(text)) return 'nsec'
  if (/^ncryptsec1/i.test(text)) return 'ncryptsec'
  return /^[0-9a-f]{64}$/i.test(text) ? 'hex' : 'other'
}

const bad = (message: string): IdentityError =>
  new IdentityError('bad-secret', message, 'a secret key is nsec1..., ncryptsec1... or 64 hex characters')

/** The 32 bytes of an nsec or of hex. */
export const readPlain = (text: string): Uint8Array => {
  const form = formOf(text)
  let secret: Uint8Array | undefined
  if (form === 'hex') secret = bytesOf(text.toLowerCase())
  else if (form === 'nsec') secret = decodeNsec(text.toLowerCase())
  else throw bad('this is no secret key')
  if (secret === undefined || !secp256k1.utils.isValidSecretKey(secret)) throw bad('this is no valid secret key')
  return secret
}

const decodeNsec = (text: string): Uint8Array | undefined => {
  try {
    const decoded = decode(text)
    return decoded.type === 'nsec' ? decoded.data : undefined
  } catch {
    // The library's message would repeat the secret.
    throw bad('this nsec is damaged: its checksum is wrong')
  }
}

/** NIP-49. The passphrase is normalised to NFKC there. */
export const seal = (secret: Uint8Array, passphrase: string, logN: number, origin: 'made-here' | 'imported'): string =>
  // The key security byte: 1, never known in the clear; 2, nobody kept track.
  encrypt(secret, passphrase, logN, origin === 'made-here' ? 0x01 : 0x02)

/** The secret inside an ncryptsec. Takes as long as its own scrypt parameter says. */
export const unseal = (ncryptsec: string, passphrase: string, name: string): Uint8Array => {
  const { version, logN } = headOf(ncryptsec)
  if (version !== 2)
    throw new IdentityError('not-available', `${name} is sealed in another version of NIP-49`, 'import it anew')
  if (logN > MAX_LOG_N)
    throw bad(`${name} is sealed with 2^${logN} rounds of scrypt, more than the 2^${MAX_LOG_N} allowed`)
  let secret: Uint8Array
  try {
    secret = decrypt(ncryptsec.toLowerCase(), passphrase)
  } catch (error) {
    if (error instanceof Error && /tag/i.test(error.message)) {
      throw new IdentityError(
        'wrong-passphrase',
        `wrong passphrase for the key ${name}`,
        'give the one it was made with',
      )
    }
    // The library's message would repeat the text.
    throw bad(`the ncryptsec of ${name} is damaged`)
  }
  if (secret.length !== 32 || !secp256k1.utils.isValidSecretKey(secret))
    throw bad(`the ncryptsec of ${name} holds no key`)
  return secret
}

const BECH32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l'

/** Its first two bytes, read without trusting the rest: 16 bits in the first four words of five. */
const headOf = (ncryptsec: string): { version: number; logN: number } => {
  const head = ncryptsec.toLowerCase().slice('ncryptsec1'.length, 'ncryptsec1'.length + 4)
  const words = Array.from(head, (letter) => BECH32.indexOf(letter))
  if (formOf(ncryptsec) !== 'ncryptsec' || words.length < 4 || words.includes(-1)) throw bad('this is no ncryptsec')
  const bits = words.reduce((all, word) => all * 32 + word, 0)
  return { version: bits >>> 12, logN: (bits >>> 4) & 0xff }
}
