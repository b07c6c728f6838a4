import { parentPort, workerData } from 'node:worker_threads'
import { openEngine } from './engine.js'
import { proofsOfText, READY } from './verify-messages.js'
import type { ThreadData } from './verify-messages.js'

/** The program of a thread that checks signatures (verify-threads.ts). */
const port = parentPort
if (port !== null) {
  const { engine: name } = workerData as ThreadData
  const engine = await openEngine(name)
  port.on('message', (text: string) => {
    const proofs = proofsOfText(text)
    const answers = new Uint8Array(proofs.length)
    proofs.forEach((proof, i) => {
      answers[i] = engine.verify(proof) ? 1 : 0
    })
    port.postMessage(answers, [answers.buffer])
  })
  port.postMessage(READY)
}
