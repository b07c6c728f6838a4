import { createHash } from 'node:crypto'
import { schnorr } from '@noble/curves/secp256k1.js'

/** Somebody who signs, with a key of their own. Nothing of the relay's own code is used for it: it could be wrong alike. */
export interface Author {
  readonly pubkey: string
  /** Any member may be given, also one of a wrong type: id and signature are right for what it says. */
  sign(over?: Partial<Record<keyof Template, unknown>>): Signed
}

export interface Template {
  readonly created_at: number
  readonly kind: number
  readonly tags: string[][]
  readonly content: string
}

export interface Signed extends Template {
  readonly id: string
  readonly pubkey: string
  readonly sig: string
}

export const nowSec = (): number => Math.floor(Date.now() / 1_000)

export const newAuthor = (): Author => {
  const { secretKey, publicKey } = schnorr.keygen()
  const pubkey = Buffer.from(publicKey).toString('hex')
  return {
    pubkey,
    sign: (over = {}) => {
      const template = { created_at: nowSec(), kind: 1, tags: [], content: '', ...over } as unknown as Template
      const id = idOf({ ...template, pubkey })
      const sig = Buffer.from(schnorr.sign(Buffer.from(id, 'hex'), secretKey)).toString('hex')
      return { ...template, id, pubkey, sig }
    },
  }
}

/** NIP-01's serialization, as everybody writes it: control characters that it does not name are escaped as JSON does. */
export const idOf = (event: Template & { readonly pubkey: string }): string => {
  const { pubkey, created_at, kind, tags, content } = event
  return createHash('sha256')
    .update(JSON.stringify([0, pubkey, created_at, kind, tags, content]))
    .digest('hex')
}

/** NIP-13, by trying: an event with exactly or at least so many leading zero bits. */
export const mined = (
  author: Author,
  fits: (bits: number) => boolean,
  over: Partial<Template> = {},
  tag: (nonce: number) => string[] = (nonce) => ['nonce', String(nonce)],
): Signed => {
  const template = { created_at: nowSec(), kind: 1, tags: [], content: '', ...over }
  for (let nonce = 0; ; nonce++) {
    const tags = [...template.tags, tag(nonce)]
    if (fits(zeroBits(idOf({ ...template, tags, pubkey: author.pubkey })))) return author.sign({ ...template, tags })
  }
}

export const zeroBits = (hex: string): number => {
  const bits = hex.replace(/./g, (digit) => parseInt(digit, 16).toString(2).padStart(4, '0'))
  return /^0*/.exec(bits)?.[0].length ?? 0
}

/** 64 lowercase hex that nobody else has. */
export const freshHex = (): string => newAuthor().pubkey
