import { availableParallelism } from 'node:os'
import { reasonOf } from '../../src/core/fault.js'
import { engineFields, openEngine } from '../../src/crypto/engine.js'
import type { EngineChoice } from '../../src/crypto/engine.js'
import { threadedVerifier } from '../../src/crypto/verify-threads.js'
import type { Log, Verifier } from '../../src/ports.js'

export interface VerifierOptions {
  /** What checks signatures where no verifier is given. Default `auto`: the fastest that works. */
  readonly engine?: EngineChoice
  /** Threads for it, besides the relay's own. Default: as many as pay on this machine. */
  readonly verifyThreads?: number
  /** Default: one made from the two options above. */
  readonly verifier?: Verifier
}

export interface OpenVerifier {
  readonly verifier: Verifier
  /** What the log says of it. */
  readonly about: Record<string, string | number>
  close(): Promise<void>
}

/**
 * One native thread checks faster than the relay's own can read, store and answer, so a second one would have nothing to
 * do; the others are slower by six times and more.
 */
const WORTH_IT = { native: 1, wasm: 3, js: 3 } as const

/** Rejects with a Fault('crypto') when no engine works. */
export const openVerifier = async (options: VerifierOptions, log: Log): Promise<OpenVerifier> => {
  if (options.verifier !== undefined) {
    const { verifier } = options
    return { verifier, about: { engine: verifier.engine }, close: () => Promise.resolve() }
  }
  const engine = await openEngine(options.engine)
  const threads = options.verifyThreads ?? Math.min(WORTH_IT[engine.name], availableParallelism() - 1)
  const verifier = await threadedVerifier(engine, {
    threads,
    onLost: (reason) => log.warn('verify-thread-lost', { reason: reasonOf(reason) }),
  })
  return {
    verifier,
    about: { ...engineFields(engine), verify_threads: verifier.threads },
    close: () => verifier.close(),
  }
}
