/**
 * Whose turn it is to work on a stored answer: one slice of one answer in each turn of the event loop, whoever waits longest
 * first. Without it every connection would work in every turn, and everybody else would wait for all of them.
 */
export interface Turns {
  /** Resolves when it is the caller's turn. */
  next(): Promise<void>
  /** The same, at once where nobody waits and this turn is still young: many short answers must not make one long turn. */
  first(): Promise<void>
}

/** How long one may work before it waits for its next turn. */
export const SLICE_MS = 2

export const openTurns = (clockMs: () => number = () => performance.now()): Turns => {
  const waiting: (() => void)[] = []
  let running = false
  /** When work began in this turn; undefined: nobody has worked yet. */
  let beganAtMs: number | undefined

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

  const isYoung = (): boolean => {
    const nowMs = clockMs()
    if (beganAtMs === undefined) {
      beganAtMs = nowMs
      setImmediate(() => {
        beganAtMs = undefined
      })
    }
    return nowMs - beganAtMs < SLICE_MS
  }

  return { next, first: () => (waiting.length === 0 && isYoung() ? Promise.resolve() : next()) }
}
