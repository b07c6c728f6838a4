import { Worker } from 'node:worker_threads'
import type { Proof } from '../../src/core/types.js'
import type { CeilingAnswer } from './relay-ceiling-worker.js'

/** Hands proofs to a worker thread; answers come in the order of the questions. A worker that fails ends the process. */
export const openCeilingWorker = (): ((proofs: readonly Proof[]) => Promise<boolean[]>) => {
  const worker = new Worker(new URL('./relay-ceiling-worker.js', import.meta.url))
  const waiting: ((answers: boolean[]) => void)[] = []
  worker.on('message', (answers: CeilingAnswer) => waiting.shift()?.(answers))
  return (proofs) =>
    new Promise((resolve) => {
      waiting.push(resolve)
      worker.postMessage(proofs)
    })
}
