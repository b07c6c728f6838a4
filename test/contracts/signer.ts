import { beforeAll, describe, expect, it } from 'vitest'
import { verifyEvent } from 'nostr-tools/pure'
import { v2 } from 'nostr-tools/nip44'
import { Fault } from '../../src/core/fault.js'
import type { EventTemplate, NostrEvent, Pubkey, UnixSec } from '../../src/core/types.js'
import type { Signer } from '../../src/ports.js'

/** A key that is nobody's, and the same key of a peer. */
export const SECRET = Uint8Array.from({ length: 32 }, (_, i) => i + 1)
export const PEER_SECRET = Uint8Array.from({ length: 32 }, (_, i) => 200 - i)

export interface SignerUnderTest {
  readonly signer: Signer
  /** Of the key that the signer holds. */
  readonly pubkey: Pubkey
  /** Another signer of the same kind, that holds PEER_SECRET. */
  readonly peer: Signer
  readonly peerPubkey: Pubkey
}

const template = (content: string, tags: string[][] = []): EventTemplate => ({
  kind: 30_078,
  created_at: 1_700_000_000 as UnixSec,
  tags,
  content,
})

/** nostr-tools mutates nothing here, but wants arrays that it could. */
const holds = (event: NostrEvent): boolean => verifyEvent({ ...event, tags: event.tags.map((tag) => [...tag]) })

/** What every signer does alike, wherever its key lives. It must hold SECRET. */
export const signerContract = (name: string, open: () => Promise<SignerUnderTest>): void => {
  describe(`signer: ${name}`, () => {
    let under: SignerUnderTest
    beforeAll(async () => {
      under = await open()
    })

    it('names its public key', async () => {
      expect(await under.signer.getPublicKey()).toBe(under.pubkey)
    })

    it('signs an event that any Nostr tool takes', async () => {
      const event = await under.signer.signEvent(
        template('hello, "wörld" \u0001 \n 🌍', [
          ['d', 'x'],
          ['p', under.peerPubkey],
        ]),
      )

      expect(event).toMatchObject({ kind: 30_078, created_at: 1_700_000_000, pubkey: under.pubkey })
      expect(Object.keys(event).sort()).toEqual(['content', 'created_at', 'id', 'kind', 'pubkey', 'sig', 'tags'])
      expect(holds(event)).toBe(true)
    })

    it('signs many at once, each as its own', async () => {
      const events = await Promise.all(
        Array.from({ length: 20 }, (_, i) => under.signer.signEvent(template(String(i)))),
      )

      expect(events.map((event) => event.content)).toEqual(Array.from({ length: 20 }, (_, i) => String(i)))
      expect(events.every(holds)).toBe(true)
    })

    it('never signs twice with the same randomness', async () => {
      const [one, two] = await Promise.all([
        under.signer.signEvent(template('a')),
        under.signer.signEvent(template('a')),
      ])

      expect(one.id).toBe(two.id)
      expect(one.sig).not.toBe(two.sig)
    })

    it('encrypts what the peer decrypts, and what other tools decrypt', async () => {
      const sealed = await under.signer.nip44Encrypt(under.peerPubkey, 'a secret 🤫')

      expect(await under.peer.nip44Decrypt(under.pubkey, sealed)).toBe('a secret 🤫')
      expect(v2.decrypt(sealed, v2.utils.getConversationKey(PEER_SECRET, under.pubkey))).toBe('a secret 🤫')
      expect(sealed).not.toContain('secret')
    })

    it('encrypts the same text never the same way', async () => {
      const one = await under.signer.nip44Encrypt(under.peerPubkey, 'same')
      const two = await under.signer.nip44Encrypt(under.peerPubkey, 'same')

      expect(one).not.toBe(two)
    })

    it('encrypts to itself', async () => {
      const sealed = await under.signer.nip44Encrypt(under.pubkey, 'canary')

      expect(await under.signer.nip44Decrypt(under.pubkey, sealed)).toBe('canary')
    })

    it('takes texts up to 65,535 bytes, and rejects an empty or longer one with a fault', async () => {
      const longest = 'x'.repeat(65_535)
      const sealed = await under.signer.nip44Encrypt(under.peerPubkey, longest)

      expect(await under.peer.nip44Decrypt(under.pubkey, sealed)).toBe(longest)
      await expect(under.signer.nip44Encrypt(under.peerPubkey, `${longest}x`)).rejects.toThrow(Fault)
      await expect(under.signer.nip44Encrypt(under.peerPubkey, '')).rejects.toThrow(Fault)
    })

    it('rejects with a fault of the signer what it can’t decrypt', async () => {
      const sealed = await under.peer.nip44Encrypt(under.peerPubkey, 'for the peer alone')
      const bad = ['', 'x', '#not ours', sealed, `${sealed.slice(0, -6)}AAAAA=`, 'A'.repeat(100_000)]

      for (const ciphertext of bad) {
        await expect(under.signer.nip44Decrypt(under.peerPubkey, ciphertext)).rejects.toMatchObject({ area: 'signer' })
      }
    })

    it('rejects with a fault a key that is none', async () => {
      const none = 'f'.repeat(64) as Pubkey

      await expect(under.signer.nip44Encrypt(none, 'x')).rejects.toMatchObject({ area: 'signer' })
      await expect(under.signer.nip44Decrypt(none, 'x')).rejects.toMatchObject({ area: 'signer' })
    })

    it('never shows its key: not as a member, not as text, not in an error', async () => {
      const hex = Buffer.from(SECRET).toString('hex')
      const error = await under.signer.nip44Decrypt('zz' as Pubkey, 'x').catch((e: unknown) => e)

      expect(JSON.stringify(under.signer)).not.toContain(hex)
      expect(Object.values(under.signer).every((member) => typeof member === 'function')).toBe(true)
      expect(String(error)).not.toContain(hex)
    })
  })
}
