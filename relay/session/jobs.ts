import { reasonOf } from '../../src/core/fault.js'
import type { Log } from '../../src/ports.js'

/** What is made of stored events for one connection: one answer after the other, in the order in which they were asked for. */
export interface Jobs {
  /** How many have not begun. */
  readonly waiting: number
  add(job: Job): void
  /** Takes it out where it has not begun. */
  drop(job: Job): void
  dropAll(): void
}

export interface Job {
  run(): Promise<void>
  /** It threw. */
  fail(): void
  /** It was run, or never will be. */
  done?(): void
}

export const openJobs = (log: Log): Jobs => {
  const queue = new Set<Job>()
  let working = false

  const work = async (): Promise<void> => {
    working = true
    // A set may grow while it is walked: what was added meanwhile comes last.
    for (const next of queue) {
      queue.delete(next)
      try {
        await next.run()
      } catch (error) {
        log.error('query-failed', { reason: reasonOf(error) })
        next.fail()
      } finally {
        next.done?.()
      }
    }
    working = false
  }

  return {
    get waiting() {
      return queue.size
    },
    add: (job) => {
      queue.add(job)
      // The promise can't be lost: `work` catches all that goes wrong.
      if (!working) void work()
    },
    drop: (job) => {
      if (queue.delete(job)) job.done?.()
    },
    dropAll: () => {
      const dropped = [...queue]
      queue.clear()
      for (const job of dropped) job.done?.()
    },
  }
}
