import { reasonOf } from '../../src/core/fault.js'
import type { Log } from '../../src/ports.js'

/** What the store does for itself, a little at a time, between the turns in which it answers clients. */
export interface Chore {
  readonly name: string
  /** Between the end of a round and the beginning of the next one. */
  readonly everyMs: number
  /** One round, in steps of a fraction of a millisecond each. Yields how many events a step removed. */
  round(): Iterator<number, void>
  /** Runs some steps so that their effects hold together or not at all. */
  together(steps: () => void): void
  /** How many events are gone, once that holds. */
  removed?(events: number): void
}

export interface Upkeep {
  stop(): void
}

/** Steps of one turn. Their commit comes on top. */
const SLICE_MS = 3
const TICK_MS = 250
/** A slice is followed by at least as long a pause, so that upkeep never takes more than half of the time. */
const MIN_PAUSE_MS = 1

export const startUpkeep = (chores: readonly Chore[], log: Log): Upkeep => {
  const timers = new Map<Chore, NodeJS.Timeout>()
  let lastFailure: unknown

  const after = (chore: Chore, ms: number, steps?: Iterator<number, void>): void => {
    const timer = setTimeout(() => turn(chore, steps ?? chore.round()), ms)
    timer.unref()
    timers.set(chore, timer)
  }

  const turn = (chore: Chore, steps: Iterator<number, void>): void => {
    const began = performance.now()
    let isOver = true
    try {
      isOver = slice(chore, steps, SLICE_MS)
    } catch (error) {
      // What was undone with the transaction is found again in the next round.
      if (error !== lastFailure) log.error('upkeep-failed', { chore: chore.name, reason: reasonOf(error) })
      lastFailure = error
    }
    if (isOver) after(chore, Math.max(chore.everyMs, TICK_MS))
    else after(chore, Math.max(MIN_PAUSE_MS, performance.now() - began), steps)
  }

  for (const chore of chores) after(chore, Math.min(chore.everyMs, TICK_MS))
  return {
    stop: () => {
      for (const timer of timers.values()) clearTimeout(timer)
    },
  }
}

/** True: the round is over. */
const slice = (chore: Chore, steps: Iterator<number, void>, sliceMs: number): boolean => {
  let removed = 0
  let isOver = false
  chore.together(() => {
    const until = performance.now() + sliceMs
    do {
      const step = steps.next()
      if (step.done === true) isOver = true
      else removed += step.value
    } while (!isOver && performance.now() < until)
  })
  if (removed > 0) chore.removed?.(removed)
  return isOver
}

/** A whole round of each, at once: for programs that have nobody waiting. Says how many events are gone. */
export const runChores = (chores: readonly Chore[]): number => {
  let gone = 0
  for (const chore of chores) {
    const counted: Chore = {
      ...chore,
      removed: (events) => {
        gone += events
        chore.removed?.(events)
      },
    }
    const steps = chore.round()
    while (!slice(counted, steps, SLICE_MS));
  }
  return gone
}
