/**
 * Whose turn it is to work on a stored answer: one slice of one answer in each turn of the event loop, whoever waits longest
 * first. Without it every connection would work in every turn, and everybody else would wait for all of them.
 */
export interface Turns {
  /** Resolves when it is the caller's turn. */
  next(): Promise<void>
  /** The same, at once where nobody waits. */
  first(): Promise<void>
}

/** How long one may work before it waits for its next turn. */
export const SLICE_MS = 2

export const openTurns = (): Turns => {
  const waiting: (() => void)[] = []
  let running = false

  const run = (): void => {
    waiting.shift()?.()
    running = waiting.length > 0
    if (running) setImmediate(run)
  }

  const next = (): Promise<void> =>
    new Promise((resolve) => {
      waiting.push(resolve)
      if (running) return
      running = true
      setImmediate(run)
    })

  return { next, first: () => (waiting.length > 0 ? next() : Promise.resolve()) }
}
