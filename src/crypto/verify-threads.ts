import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import type { Proof } from '../core/types.js'
import type { CryptoEngine, Verifier } from '../ports.js'
import { isProofSized, READY, textOfProofs } from './verify-messages.js'
import type { ThreadData } from './verify-messages.js'
import { engineVerifier } from './verify.js'

/** A Verifier with threads of its own. */
export interface ThreadedVerifier extends Verifier {
  /** How many threads are at work now; 0: it all happens on the caller's. */
  readonly threads: number
  /** Resolves when they have ended. Batches under way are still answered, on the caller's thread. */
  close(): Promise<void>
}

export interface ThreadOptions {
  readonly threads: number
  /** The built `verify-thread.js`. Default: the one beside this file. */
  readonly program?: string
  /** A thread could not start or has died; what it had under way is done on the caller's thread. */
  readonly onLost?: (reason: unknown) => void
}

/** Handing over costs about 50 us, so what takes less than that several times over stays here. */
const MIN_SHARE = { native: 24, wasm: 6, js: 2 } as const
/** A verification needs little memory, and there may be several threads. */
const RESOURCE_LIMITS = { maxYoungGenerationSizeMb: 2, maxOldGenerationSizeMb: 64 }

interface Share {
  readonly proofs: readonly Proof[]
  readonly settle: (answers: readonly boolean[] | Promise<boolean[]>) => void
}

interface Thread {
  /** Proofs under way. */
  readonly load: number
  ask(proofs: readonly Proof[]): Promise<boolean[]>
  end(): Promise<unknown>
}

/**
 * Small batches are checked on this thread, large ones are split among threads, so that sockets and disk have this one.
 * Resolves when the threads are ready, or have failed: then there are fewer of them, down to none, and nothing else changes.
 */
export const threadedVerifier = async (engine: CryptoEngine, options: ThreadOptions): Promise<ThreadedVerifier> => {
  const here = engineVerifier(engine)
  const minShare = MIN_SHARE[engine.name]
  const program = options.program ?? fileURLToPath(new URL('./verify-thread.js', import.meta.url))
  const atWork = new Set<Thread>()

  const start = async (): Promise<void> => {
    const thread = await startThread(program, { engine: engine.name }, here, (lost, reason) => {
      atWork.delete(lost)
      options.onLost?.(reason)
    })
    if (thread !== undefined) atWork.add(thread)
  }
  await Promise.all(Array.from({ length: options.threads }, start))

  /** In the order of the proofs: each thread takes one run of them. */
  const split = async (proofs: readonly Proof[]): Promise<boolean[]> => {
    const threads = [...atWork].sort((a, b) => a.load - b.load)
    const shares = Math.max(1, Math.min(threads.length, Math.floor(proofs.length / minShare)))
    const size = Math.ceil(proofs.length / shares)
    const answers = threads.slice(0, shares).map((thread, i) => thread.ask(proofs.slice(i * size, (i + 1) * size)))
    return (await Promise.all(answers)).flat()
  }

  return {
    engine: engine.name,
    get threads() {
      return atWork.size
    },
    verify: async (proofs) => {
      if (atWork.size === 0 || proofs.length < minShare) return here.verify(proofs)
      if (proofs.every(isProofSized)) return split(proofs)
      const sized = proofs.filter(isProofSized)
      const answers = (sized.length === 0 ? [] : await split(sized)).values()
      return proofs.map((proof) => isProofSized(proof) && answers.next().value === true)
    },
    close: async () => {
      const ending = [...atWork]
      atWork.clear()
      await Promise.all(ending.map((thread) => thread.end()))
    },
  }
}

/** Resolves when it is ready; undefined when it can't be used, which `onLost` was told. */
const startThread = (
  program: string,
  data: ThreadData,
  here: Verifier,
  onLost: (thread: Thread, reason: unknown) => void,
): Promise<Thread | undefined> =>
  new Promise((resolve) => {
    // Answers come in the order of the questions.
    const asked: Share[] = []
    let load = 0
    let over = false
    const worker = new Worker(program, { workerData: data, resourceLimits: RESOURCE_LIMITS })

    const lose = (reason: unknown): void => {
      if (over) return
      over = true
      resolve(undefined)
      for (const { proofs, settle } of asked.splice(0)) settle(here.verify(proofs))
      // The promise can't be lost to anybody: nothing waits for a thread that is of no use.
      void worker.terminate()
      onLost(thread, reason)
    }
    worker.on('error', lose)
    worker.on('exit', (code) => lose(new Error(`a verification thread ended with code ${code}`)))
    worker.on('message', (message: unknown) => {
      if (message === READY) {
        worker.unref()
        resolve(thread)
        return
      }
      const share = asked[0]
      if (share === undefined || !(message instanceof Uint8Array) || message.length !== share.proofs.length) {
        lose(new Error('a verification thread answered what was not asked'))
        return
      }
      asked.shift()
      load -= share.proofs.length
      if (asked.length === 0) worker.unref()
      share.settle(Array.from(message, (answer) => answer === 1))
    })

    const thread: Thread = {
      get load() {
        return load
      },
      ask: (proofs) =>
        new Promise((settle) => {
          if (over) {
            settle(here.verify(proofs))
            return
          }
          asked.push({ proofs, settle: (answers) => settle(answers as boolean[]) })
          load += proofs.length
          // Only while there is something to do: an idle thread must not keep a process alive.
          worker.ref()
          worker.postMessage(textOfProofs(proofs))
        }),
      end: () => {
        const wasOver = over
        over = true
        for (const { proofs, settle } of asked.splice(0)) settle(here.verify(proofs))
        return wasOver ? Promise.resolve() : worker.terminate()
      },
    }
  })
