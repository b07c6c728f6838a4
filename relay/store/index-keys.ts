import type { Hashes } from '../../src/core/hashes.js'
import { isHex32 } from '../../src/core/names.js'
import type { NostrEvent } from '../../src/core/types.js'
import { classOf } from '../events/kind-class.js'

/** The keys of the tag index and of the table of slots: short, of bounded length, one key for one meaning. */

const MAX_PLAIN_BYTES = 62

/** Forms of a tag's value in its key. */
const TEXT = 0
const BYTES_32 = 1
const HASHED = 2

export const blobOfHex = (hex: string): Buffer => Buffer.from(hex, 'hex')

/** The letter, the form, the value: as it is, as 32 bytes where it is hex, or hashed where it is long. */
export const tagKey = (letter: string, value: string, hashes: Hashes): Buffer => {
  const form = isHex32(value) ? BYTES_32 : Buffer.byteLength(value) <= MAX_PLAIN_BYTES ? TEXT : HASHED
  const bytes = form === BYTES_32 ? blobOfHex(value) : form === TEXT ? Buffer.from(value) : hashes.sha256(value)
  return Buffer.concat([Buffer.of(letter.charCodeAt(0), form), bytes])
}

export const isIndexedTag = (name: string | undefined): name is string => name !== undefined && /^[a-zA-Z]$/.test(name)

/** One key for each single-letter tag and first value (NIP-01), without repeats. */
export const tagKeysOf = (event: Pick<NostrEvent, 'tags'>, hashes: Hashes): Buffer[] => {
  const keys = new Map<string, Buffer>()
  for (const [name, value] of event.tags) {
    if (value === undefined || !isIndexedTag(name)) continue
    const plain = name + value
    if (!keys.has(plain)) keys.set(plain, tagKey(name, value, hashes))
  }
  return [...keys.values()]
}

/** The place that all versions of a replaceable or addressable event share. */
export const slotKey = (pubkey: string, kind: number, d: string, hashes: Hashes): Uint8Array =>
  hashes.sha256(`${kind}:${pubkey}:${d}`)

/** Undefined for an event that nothing replaces. A missing `d` is the empty one. */
export const slotOf = (event: NostrEvent, hashes: Hashes): Uint8Array | undefined => {
  const kindClass = classOf(event.kind)
  if (kindClass === 'replaceable') return slotKey(event.pubkey, event.kind, '', hashes)
  if (kindClass !== 'addressable') return undefined
  const d = event.tags.find((tag) => tag[0] === 'd')?.[1] ?? ''
  return slotKey(event.pubkey, event.kind, d, hashes)
}
