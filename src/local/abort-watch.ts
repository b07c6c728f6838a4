/**
 * Calls many when one signal aborts, with one listener on it: a signal that ends a whole pump is handed to hundreds of
 * calls at once, and Node warns of a leak from the eleventh listener on.
 */
export interface AbortWatch {
  /** Calls `then` once if `signal` aborts; not for one that has aborted already. Gives a function that calls it off. */
  on(signal: AbortSignal, then: () => void): () => void
}

export const createAbortWatch = (): AbortWatch => {
  const watched = new Map<AbortSignal, { waiting: Set<() => void>; fire: () => void }>()

  const watch = (signal: AbortSignal): { waiting: Set<() => void>; fire: () => void } => {
    const waiting = new Set<() => void>()
    const fire = (): void => {
      watched.delete(signal)
      for (const then of waiting) then()
    }
    signal.addEventListener('abort', fire, { once: true })
    watched.set(signal, { waiting, fire })
    return { waiting, fire }
  }

  return {
    on: (signal, then) => {
      const { waiting, fire } = watched.get(signal) ?? watch(signal)
      waiting.add(then)
      return () => {
        waiting.delete(then)
        if (waiting.size > 0 || !watched.delete(signal)) return
        signal.removeEventListener('abort', fire)
      }
    },
  }
}
