import { beforeAll, describe, expect, it } from 'vitest'
import { openEngine } from '../../../src/crypto/engine.js'
import { nip44 } from '../../../src/crypto/nip44.js'
import type { Pubkey, UnixSec } from '../../../src/core/types.js'
import { localSigner } from '../../../src/identity/local-signer.js'
import { newSecret, pubkeyOf } from '../../../src/identity/secret-key.js'
import { systemRandom } from '../../../src/ops/system.js'
import type { CryptoEngine } from '../../../src/ports.js'
import { PEER_SECRET, SECRET, signerContract } from '../../contracts/signer.js'

for (const name of ['wasm', 'js'] as const) {
  signerContract(`local, ${name}`, async () => {
    const engine = await openEngine(name)
    return {
      signer: localSigner(SECRET, engine, nip44, systemRandom),
      pubkey: pubkeyOf(SECRET),
      peer: localSigner(PEER_SECRET, engine, nip44, systemRandom),
      peerPubkey: pubkeyOf(PEER_SECRET),
    }
  })
}

describe('a local signer', () => {
  let engine: CryptoEngine
  beforeAll(async () => {
    engine = await openEngine()
  })

  it('works on when the caller overwrites its own copy of the key', async () => {
    const secret = Uint8Array.from(SECRET)
    const signer = localSigner(secret, engine, nip44, systemRandom)
    secret.fill(0)

    const event = await signer.signEvent({ kind: 1, created_at: 1 as UnixSec, tags: [], content: '' })

    expect(event.pubkey).toBe(pubkeyOf(SECRET))
    expect(engine.verify({ digest: event.id, pubkey: event.pubkey, sig: event.sig })).toBe(true)
  })

  it('does nothing any more once it was wiped', async () => {
    const signer = localSigner(SECRET, engine, nip44, systemRandom)
    const sealed = await signer.nip44Encrypt(pubkeyOf(PEER_SECRET), 'x')
    signer.wipe()

    await expect(signer.signEvent({ kind: 1, created_at: 1 as UnixSec, tags: [], content: '' })).rejects.toMatchObject({
      area: 'signer',
      message: "can't sign: the key was wiped",
    })
    await expect(signer.nip44Decrypt(pubkeyOf(PEER_SECRET), sealed)).rejects.toMatchObject({ area: 'signer' })
    await expect(signer.getPublicKey()).rejects.toMatchObject({ area: 'signer' })
  })

  it('computes the conversation key of a peer once, and forgets the one unused longest after a thousand others', async () => {
    let computed: Pubkey[] = []
    const counting: CryptoEngine = {
      ...engine,
      sharedX: (secret, pubkey) => {
        computed.push(pubkey)
        return engine.sharedX(secret, pubkey)
      },
    }
    const signer = localSigner(SECRET, counting, nip44, systemRandom)
    const peers = Array.from({ length: 1_001 }, () => pubkeyOf(newSecret()))
    const [first, second, ...others] = peers as [Pubkey, Pubkey, ...Pubkey[]]
    await signer.nip44Encrypt(first, 'x')
    await signer.nip44Encrypt(second, 'x')
    for (const peer of others.slice(0, 998)) await signer.nip44Encrypt(peer, 'x')
    // `first` is used again, so `second` is now the oldest.
    await signer.nip44Encrypt(first, 'x')
    expect(computed).toHaveLength(1_000)

    computed = []
    await signer.nip44Encrypt(others[998]!, 'x')
    await signer.nip44Encrypt(first, 'x')
    await signer.nip44Encrypt(second, 'x')

    expect(computed).toEqual([others[998], second])
  })
})
