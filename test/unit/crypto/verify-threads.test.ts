import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import type { Proof, Pubkey } from '../../../src/core/types.js'
import { openEngine } from '../../../src/crypto/engine.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { threadedVerifier } from '../../../src/crypto/verify-threads.js'
import type { ThreadedVerifier, ThreadOptions } from '../../../src/crypto/verify-threads.js'
import { builtProgram } from '../../../src/ops/child.js'
import type { CryptoEngine } from '../../../src/ports.js'

const program = builtProgram('src/crypto/verify-thread.js')
const hex = (data: Uint8Array): string => Buffer.from(data).toString('hex')

const signedProofs = (engine: CryptoEngine, count: number): Proof[] => {
  const secret = nodeHashes.sha256('ksp test key alpha')
  const pubkey = hex(engine.publicKey(secret)) as Pubkey
  return Array.from({ length: count }, (_, i) => {
    const digest = nodeHashes.sha256(`digest ${i}`)
    return { digest: hex(digest), pubkey, sig: hex(engine.sign(digest, secret, new Uint8Array(32))) }
  })
}

let verifier: ThreadedVerifier | undefined
const open = async (options: Partial<ThreadOptions> = {}): Promise<{ engine: CryptoEngine; lost: unknown[] }> => {
  const engine = await openEngine()
  const lost: unknown[] = []
  const onLost = (reason: unknown): void => void lost.push(reason)
  verifier = await threadedVerifier(engine, { threads: 2, program, onLost, ...options })
  return { engine, lost }
}
const folder = mkdtempSync(join(tmpdir(), 'ksp-'))
/** A thread's program that does something else. */
const otherProgram = (text: string): string => {
  const file = join(folder, `${nodeHashes.sha256Hex(text).slice(0, 8)}.mjs`)
  writeFileSync(file, `import { parentPort } from 'node:worker_threads'\n${text}`)
  return file
}

afterEach(() => verifier?.close())
afterAll(() => rmSync(folder, { recursive: true }))

describe('threadedVerifier', () => {
  it('answers in the order of the batch, whatever thread had which part', async () => {
    const { engine } = await open()
    const proofs = signedProofs(engine, 301)
    const batch = proofs.map((proof, i) => (i % 7 === 3 ? { ...proof, sig: proofs[0]!.sig } : proof))

    const answers = await verifier!.verify(batch)

    expect(answers).toEqual(batch.map((_, i) => i % 7 !== 3))
    expect(verifier!.threads).toBe(2)
  })

  it('says no to what has not the form of a proof, among others that hold', async () => {
    const { engine } = await open()
    const proofs = signedProofs(engine, 60)
    const odd: Proof[] = [
      { digest: '', pubkey: '' as Pubkey, sig: '' },
      { ...proofs[0]!, sig: `${proofs[0]!.sig}00` },
      { ...proofs[0]!, sig: 'z'.repeat(128) },
      { ...proofs[0]!, digest: proofs[0]!.digest.toUpperCase().replace(/^./, 'G') },
    ]

    const answers = await verifier!.verify([...odd, ...proofs])

    expect(answers).toEqual([...odd.map(() => false), ...proofs.map(() => true)])
  })

  it('keeps batches apart that are under way side by side', async () => {
    const { engine } = await open()
    const good = signedProofs(engine, 80)
    const bad = good.map((proof) => ({ ...proof, digest: good[79]!.digest })).slice(0, 70)

    const [yes, no] = await Promise.all([verifier!.verify(good), verifier!.verify(bad)])

    expect(yes).toEqual(good.map(() => true))
    expect(no).toEqual(bad.map(() => false))
  })

  it('does the work itself when its thread dies in the middle of it, and says so once', async () => {
    const { engine, lost } = await open({
      threads: 1,
      program: otherProgram(`parentPort.postMessage('ready'); parentPort.on('message', () => process.exit(3))`),
    })
    const proofs = signedProofs(engine, 64)

    const answers = await verifier!.verify(proofs)
    const again = await verifier!.verify(proofs)

    expect(answers).toEqual(proofs.map(() => true))
    expect(again).toEqual(answers)
    expect(verifier!.threads).toBe(0)
    expect(lost).toEqual([expect.objectContaining({ message: 'a verification thread ended with code 3' })])
  })

  it.each([
    ['too few', 'new Uint8Array([1])'],
    ['no bytes', `'yes'`],
  ])('trusts no thread that answers with %s', async (_, answer) => {
    const { engine, lost } = await open({
      threads: 1,
      program: otherProgram(
        `parentPort.postMessage('ready'); parentPort.on('message', () => parentPort.postMessage(${answer}))`,
      ),
    })
    const proofs = signedProofs(engine, 64).map((proof) => ({ ...proof, digest: '00'.repeat(32) }))

    expect(await verifier!.verify(proofs)).toEqual(proofs.map(() => false))
    expect(lost).toHaveLength(1)
  })

  it('works without threads where none can start', async () => {
    const { engine, lost } = await open({ program: join(folder, 'not-there.js') })
    const proofs = signedProofs(engine, 64)

    expect(await verifier!.verify(proofs)).toEqual(proofs.map(() => true))
    expect(verifier!.threads).toBe(0)
    expect(lost).toHaveLength(2)
  })

  it('answers what was under way when it is closed', async () => {
    const { engine } = await open()
    const proofs = signedProofs(engine, 64)

    const answers = verifier!.verify(proofs)
    await verifier!.close()

    expect(await answers).toEqual(proofs.map(() => true))
  })
})
