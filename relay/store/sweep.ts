import { reasonOf } from '../../src/core/fault.js'
import type { UnixSec } from '../../src/core/types.js'
import type { Log } from '../../src/ports.js'
import type { EventStore } from './store.js'

const INTERVAL_MS = 60_000
/** Removed in one turn of the event loop. */
const PAGE = 200

/** Takes expired events off the disk, a page at a time. Only for the room: what has expired is not served anyway. */
export const startSweep = (
  store: Pick<EventStore, 'removeExpired'>,
  now: () => UnixSec,
  log: Log,
  counted: (removed: number) => void = () => undefined,
): { stop: () => void } => {
  let timer: NodeJS.Timeout
  const after = (ms: number): void => {
    timer = setTimeout(run, ms)
    timer.unref()
  }
  const run = (): void => {
    try {
      const removed = store.removeExpired(now(), PAGE)
      counted(removed)
      after(removed === PAGE ? 0 : INTERVAL_MS)
    } catch (error) {
      log.error('sweep-failed', { reason: reasonOf(error) })
      after(INTERVAL_MS)
    }
  }
  after(INTERVAL_MS)
  return { stop: () => clearTimeout(timer) }
}
