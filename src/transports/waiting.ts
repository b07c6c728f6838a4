import { setMaxListeners } from 'node:events'
import type { Clock } from '../ports.js'

/** An AbortController that ends with `signal`, and leaves nothing on it once it has ended by itself. */
export const childOf = (signal: AbortSignal): AbortController => {
  const child = new AbortController()
  // Everything that waits on a connection listens to its end: their number is bounded by what may be in flight.
  setMaxListeners(0, child.signal)
  if (signal.aborted) child.abort()
  else signal.addEventListener('abort', () => child.abort(), { once: true, signal: child.signal })
  return child
}

/** Resolves when `signal` aborts; at once when it has. */
export const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** What `promise` resolves to, or undefined when `ms` have passed or `signal` aborts first. Rejects as `promise` does. */
export const within = async <T>(
  clock: Clock,
  ms: number,
  signal: AbortSignal,
  promise: Promise<T>,
): Promise<T | undefined> => {
  const timer = childOf(signal)
  try {
    return await Promise.race([promise, clock.sleep(ms, timer.signal).then(() => undefined)])
  } finally {
    // With a reason of our own: the default one is an error with a stack, made for every event that is published.
    timer.abort('settled')
  }
}

/** A promise with its resolver. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
}

export const deferred = <T>(): Deferred<T> => {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((r) => {
    resolve = r
  })
  return { promise, resolve }
}
