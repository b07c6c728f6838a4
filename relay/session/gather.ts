import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Source } from '../store/merge.js'

const SLICE_MS = 5

/** Takes all of a source, a slice at a time, so that nobody else waits. False: `take` said that it is enough. */
export const gather = async <T>(source: Source<T>, take: (item: T) => boolean): Promise<boolean> => {
  for (;;) {
    const until = performance.now() + SLICE_MS
    while (performance.now() < until) {
      const step = source.next()
      if (step.done === true) return true
      if (step.value !== undefined && !take(step.value)) return false
    }
    await nextTurn()
  }
}
