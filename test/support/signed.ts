import { eventId } from '../../src/core/event.js'
import type { EventTemplate, NostrEvent, Pubkey, Signature, UnixSec } from '../../src/core/types.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import type { CryptoEngine } from '../../src/ports.js'

/** Events for tests. An author is made of a name, so that a test reads the same in every run. */
export interface Author {
  readonly pubkey: Pubkey
  sign(over?: Partial<EventTemplate>): NostrEvent
}

const AUX = new Uint8Array(32)

/** Signs for real. */
export const authorOf = (engine: CryptoEngine, name: string): Author => {
  const secret = nodeHashes.sha256(name)
  const pubkey = Buffer.from(engine.publicKey(secret)).toString('hex') as Pubkey
  return {
    pubkey,
    sign: (over) => {
      const event = withId(pubkey, over)
      const sig = engine.sign(Buffer.from(event.id, 'hex'), secret, AUX)
      return { ...event, sig: Buffer.from(sig).toString('hex') as Signature }
    },
  }
}

/** Right in everything but its signature: for what comes after the check of it. */
export const paperAuthor = (name: string): Author => {
  const pubkey = nodeHashes.sha256Hex(name) as Pubkey
  return { pubkey, sign: (over) => withId(pubkey, over) }
}

const withId = (pubkey: Pubkey, over: Partial<EventTemplate> = {}): NostrEvent => {
  const template = { kind: 1, created_at: 1_800_000_000 as UnixSec, tags: [], content: '', ...over, pubkey }
  return { ...template, id: eventId(template, nodeHashes), sig: '0'.repeat(128) as Signature }
}
