import type { Source } from '../store/merge.js'
import { SLICE_MS } from './turns.js'
import type { Turns } from './turns.js'

/** Takes all of a source, a slice at a time, so that nobody else waits. False: `take` said that it is enough. */
export const gather = async <T>(source: Source<T>, turns: Turns, take: (item: T) => boolean): Promise<boolean> => {
  await turns.first()
  for (;;) {
    const until = performance.now() + SLICE_MS
    while (performance.now() < until) {
      const step = source.next()
      if (step.done === true) return true
      if (step.value !== undefined && !take(step.value)) return false
    }
    await turns.next()
  }
}
