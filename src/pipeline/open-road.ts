import type { Road, UnixMs } from '../core/types.js'
import type { Clock, Transport } from '../ports.js'

/** A wait for a relay looks at the clock this often: a computer that slept must notice that the time is over. */
const LOOK_AGAIN_MS = 60_000

/** Made once: an abort without a reason makes an error, with its stack. */
const OVER = 'over'

/** Resolves with true when a relay of the road is open, with false at `until` or when `signal` aborts. */
export const openBefore = async (
  road: Road,
  until: UnixMs,
  o: { readonly transport: Pick<Transport, 'whenOpen'>; readonly clock: Clock },
  signal: AbortSignal,
): Promise<boolean> => {
  const waiting = new AbortController()
  const stop = (): void => waiting.abort(OVER)
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  let isOpen = false
  const open = o.transport.whenOpen(road, waiting.signal).then(() => {
    isOpen = !waiting.signal.aborted
  })
  const isOver = (): boolean => isOpen || waiting.signal.aborted
  // Mostly one is open already, and says so before this goes on: then no timer is needed.
  await Promise.resolve()
  if (!isOver()) {
    while (!isOver() && o.clock.now() < until) {
      await Promise.race([open, o.clock.sleep(Math.min(until - o.clock.now(), LOOK_AGAIN_MS), waiting.signal)])
    }
    stop()
  }
  signal.removeEventListener('abort', stop)
  return isOpen
}
