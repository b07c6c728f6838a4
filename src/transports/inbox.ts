import type { Incoming } from './admit.js'
import { deferred } from './waiting.js'

/**
 * What one relay has sent and nobody has looked at yet: bounded, worked off in batches, one after the other. When it is
 * full the relay is made to wait. It outlives the connection that filled it.
 */
export interface Inbox {
  readonly push: (item: Incoming) => void
  readonly isFull: () => boolean
  /** Nothing waits and nothing is under way. */
  readonly isIdle: () => boolean
  /** Resolves when it is idle. */
  readonly idle: () => Promise<void>
  /** Runs until `signal` aborts, and to the end of the batch under way. Rejects as `take` does. */
  run(signal: AbortSignal): Promise<void>
}

export interface InboxOptions {
  readonly maxItems: number
  readonly maxBytes: number
  readonly maxBatch: number
  readonly take: (batch: readonly Incoming[]) => Promise<void>
  readonly onFull: () => void
  readonly onRoom: () => void
}

export const createInbox = (o: InboxOptions): Inbox => {
  let queue: Incoming[] = []
  let bytes = 0
  let working = false
  let full = false
  let bell = deferred<undefined>()
  let quiet: (() => void)[] = []
  const isIdle = (): boolean => queue.length === 0 && !working

  const nextBatch = (): Incoming[] => {
    const batch = queue.slice(0, o.maxBatch)
    queue = queue.slice(o.maxBatch)
    for (const item of batch) bytes -= item.bytes
    // Half empty, so that reading does not start and stop with every batch.
    if (full && queue.length <= o.maxItems / 2 && bytes <= o.maxBytes / 2) {
      full = false
      o.onRoom()
    }
    return batch
  }

  return {
    push: (item) => {
      queue.push(item)
      bytes += item.bytes
      bell.resolve(undefined)
      // What was read from the socket already still comes in, a read buffer's worth at most.
      if (!full && (queue.length >= o.maxItems || bytes >= o.maxBytes)) {
        full = true
        o.onFull()
      }
    },
    isFull: () => full,
    isIdle,
    idle: () => (isIdle() ? Promise.resolve() : new Promise((resolve) => quiet.push(resolve))),
    run: async (signal) => {
      const stop = (): void => bell.resolve(undefined)
      signal.addEventListener('abort', stop, { once: true })
      while (!signal.aborted) {
        if (queue.length === 0) {
          for (const resolve of quiet) resolve()
          quiet = []
          bell = deferred()
          await bell.promise
          continue
        }
        working = true
        await o.take(nextBatch())
        working = false
      }
      signal.removeEventListener('abort', stop)
    },
  }
}
