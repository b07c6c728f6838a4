import { parentPort } from 'node:worker_threads'
import type { Proof } from '../../src/core/types.js'
import { openEngine } from '../../src/crypto/engine.js'

/** The thread that only checks signatures. */
export type CeilingAnswer = boolean[]

const engine = await openEngine('native')
parentPort?.on('message', (proofs: readonly Proof[]) => {
  const answers: CeilingAnswer = proofs.map((proof) => engine.verify(proof))
  parentPort?.postMessage(answers)
})
