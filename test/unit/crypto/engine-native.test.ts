import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { nativeEngine } from '../../../src/crypto/engine-native.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { recentKeys } from '../../../src/crypto/recent-keys.js'
import type { Pubkey } from '../../../src/core/types.js'
import { nativeMissing } from '../../support/secp256k1.js'

const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex')
const folder = mkdtempSync(join(tmpdir(), 'ksp-native-'))
/** A library that has nothing to do with signatures, where there is one under this name. */
const other =
  ['/lib/x86_64-linux-gnu/libm.so.6', '/lib/aarch64-linux-gnu/libm.so.6', '/lib64/libm.so.6'].find(existsSync) ?? ''
afterAll(() => rmSync(folder, { recursive: true }))

describe('the native engine', () => {
  it('says in one line what to install where there is no library', async () => {
    const nothing = nativeEngine(['libsecp256k1.so.77'])
    await expect(nothing).rejects.toThrow(/^libsecp256k1 is not installed \(packages: .*\)$/)
  })

  it('says which file it could not use, and why', async () => {
    const text = join(folder, 'libsecp256k1.so.1')
    writeFileSync(text, 'no library')
    await expect(nativeEngine([text])).rejects.toThrow(`${text} can't be used: `)
  })

  it.runIf(other !== '')('takes no library that lacks what it calls', async () => {
    await expect(nativeEngine([other])).rejects.toThrow(
      `${other} can't be used: it has no BIP-340 signatures, or is older than version 0.1.0`,
    )
  })

  it.skipIf(nativeMissing() !== undefined)('goes on to the next file when one is of no use', async () => {
    const text = join(folder, 'libsecp256k1.so.2')
    writeFileSync(text, 'no library')
    const library = process.env['KSP_LIBSECP256K1']!

    expect((await nativeEngine([text, library])).library).toBe(library)
  })

  it.skipIf(nativeMissing() !== undefined)(
    'answers alike for a key that it knows and for one that it forgot',
    async () => {
      const engine = await nativeEngine()
      const digest = nodeHashes.sha256('anything')
      const proofs = Array.from({ length: 4_200 }, (_, n) => {
        const secret = nodeHashes.sha256(`ksp test key ${n}`)
        const pubkey = hex(engine.publicKey(secret)) as Pubkey
        return { digest: hex(digest), pubkey, sig: hex(engine.sign(digest, secret, digest)) }
      })
      const forged = proofs.map((proof, n) => ({ ...proof, sig: proofs[(n + 1) % proofs.length]!.sig }))

      expect(forged.filter((proof) => engine.verify(proof))).toEqual([])
      expect(proofs.every((proof) => engine.verify(proof))).toBe(true)
      expect(forged.filter((proof) => engine.verify(proof))).toEqual([])
      expect(proofs.every((proof) => engine.verify(proof))).toBe(true)
    },
  )
})

describe('the memory of recent keys', () => {
  it('never holds more than it may, and forgets the one unused for longest', () => {
    const keys = recentKeys<number>(3)
    for (const [n, key] of ['a', 'b', 'c'].entries()) keys.add(key, n)
    keys.get('a')
    keys.add('d', 3)
    keys.add('d', 4)

    expect(keys.size).toBe(3)
    expect(['a', 'b', 'c', 'd'].map((key) => keys.get(key))).toEqual([0, undefined, 2, 4])
  })
})
