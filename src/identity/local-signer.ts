import { createHash } from 'node:crypto'
import { serializeEvent } from '../core/event.js'
import { Fault, reasonOf } from '../core/fault.js'
import { hexOf } from '../core/hex.js'
import type { EventId, NostrEvent, Pubkey, Signature } from '../core/types.js'
import type { CryptoEngine, Nip44, Random, Signer } from '../ports.js'

/** A conversation key costs an ECDH; this many peers are more than a Herm talks to at a time. */
const MAX_CONVERSATIONS = 1_000

/** A Signer that can forget its key: afterwards every method rejects. */
export interface LocalSigner extends Signer {
  wipe(): void
}

/** Signs with a key in this process. It keeps a copy: the caller overwrites its own at once. */
export const localSigner = (secret: Uint8Array, engine: CryptoEngine, nip44: Nip44, random: Random): LocalSigner => {
  const key = Uint8Array.from(secret)
  const pubkey = hexOf(engine.publicKey(key)) as Pubkey
  /** In order of use, the oldest first. */
  const conversations = new Map<Pubkey, Uint8Array>()
  let wiped = false

  const conversationWith = (peer: Pubkey): Uint8Array => {
    const kept = conversations.get(peer)
    if (kept !== undefined) {
      conversations.delete(peer)
      conversations.set(peer, kept)
      return kept
    }
    const sharedX = engine.sharedX(key, peer)
    const made = nip44.conversationKey(sharedX)
    sharedX.fill(0)
    conversations.set(peer, made)
    const oldest = conversations.keys().next().value
    if (conversations.size > MAX_CONVERSATIONS && oldest !== undefined) {
      conversations.get(oldest)?.fill(0)
      conversations.delete(oldest)
    }
    return made
  }

  /** Whatever fails in here fails for the caller as a Fault of the signer, as with one in another process. */
  const work = <T>(what: string, act: () => T): Promise<T> =>
    new Promise((resolve) => {
      if (wiped) throw new Fault('signer', `can't ${what}: the key was wiped`)
      try {
        resolve(act())
      } catch (error) {
        throw error instanceof Fault
          ? error
          : new Fault('signer', `can't ${what}: ${reasonOf(error)}`, { cause: error })
      }
    })

  return {
    getPublicKey: () => work('name the key', () => pubkey),
    signEvent: (template) =>
      work('sign', (): NostrEvent => {
        const { kind, created_at, tags, content } = template
        const unsigned = { pubkey, created_at, kind, tags, content }
        const digest = createHash('sha256').update(serializeEvent(unsigned)).digest()
        const sig = hexOf(engine.sign(digest, key, random.bytes(32))) as Signature
        return { id: hexOf(digest) as EventId, ...unsigned, sig }
      }),
    nip44Encrypt: (to, plaintext) =>
      work('encrypt', () => nip44.encrypt(plaintext, conversationWith(to), random.bytes(32))),
    nip44Decrypt: (from, ciphertext) =>
      work('decrypt', () => {
        const plaintext = nip44.decrypt(ciphertext, conversationWith(from))
        if (plaintext === undefined) throw new Fault('signer', "can't decrypt: it is damaged, or not for this key")
        return plaintext
      }),
    wipe: () => {
      wiped = true
      key.fill(0)
      for (const conversation of conversations.values()) conversation.fill(0)
      conversations.clear()
    },
  }
}
