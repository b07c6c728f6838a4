import { setImmediate as nextTurn } from 'node:timers/promises'
import type { CryptoEngine, Verifier } from '../ports.js'

/** Verifications between two turns of the event loop: about 10 to 20 ms of work with any engine. */
const SLICE = { native: 256, wasm: 32, js: 8 } as const

/** A Verifier on this thread. It lets sockets and timers have their turn between slices, however long the batch is. */
export const engineVerifier = (engine: CryptoEngine): Verifier => ({
  engine: engine.name,
  verify: async (proofs) => {
    const size = SLICE[engine.name]
    const answers: boolean[] = []
    for (let at = 0; at < proofs.length; at += size) {
      if (at > 0) await nextTurn()
      for (const proof of proofs.slice(at, at + size)) answers.push(engine.verify(proof))
    }
    return answers
  },
})
