import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Move } from '../core/decision.js'
import { Fault, reasonOf } from '../core/fault.js'
import type { Destination, MessageId, UnixMs } from '../core/types.js'
import type { Clock, Delivery, Log, Store } from '../ports.js'
import type { Bell } from './bell.js'

/**
 * Pays what is owed to one destination: the only retry loop there is. It holds nothing that the store does not hold; a
 * crash at any point leaves the delivery as it was, due again. At most `window` are under way at once, so that one slow
 * destination costs memory for no more than that and delays no other.
 */
export interface PumpOptions {
  readonly to: Destination
  readonly window: number
  readonly store: Pick<Store, 'due' | 'nextDue'>
  readonly clock: Clock
  readonly bell: Bell
  readonly log: Log
  /** Makes one attempt and commits its move. A Fault is what may go away by itself; anything else ends the process. */
  readonly attempt: (delivery: Delivery, signal: AbortSignal) => Promise<void>
  /** Called for a Fault: must commit a move that puts the delivery off. */
  readonly putOff: (delivery: Delivery, fault: Fault) => Promise<void>
  /** A bug: the whole process must stop. */
  readonly onBug: (error: unknown) => void
}

/** How many attempts are started before other work gets a turn: signing and sealing take the processor. */
const STARTS_A_TURN = 8
/** After this long with nothing owed the pump ends; a new delivery starts another. */
const IDLE_MS = 60_000

/** Runs until nothing is owed for a while, or `signal` aborts. Resolves when its last attempt has ended. */
export const runPump = async (o: PumpOptions, signal: AbortSignal): Promise<void> => {
  const busy = new Map<MessageId, Promise<void>>()

  const start = (delivery: Delivery): void => {
    // Never lost: it is awaited below, and all that it can throw is caught here.
    const work = o
      .attempt(delivery, signal)
      .catch(async (error: unknown) => {
        if (signal.aborted) return
        if (!(error instanceof Fault)) throw error
        o.log.debug('pump.fault', { to: o.to, message: delivery.message, area: error.area, reason: error.message })
        await o.putOff(delivery, error)
      })
      .catch((error: unknown) => {
        if (error instanceof Fault) o.log.warn('pump.store', { to: o.to, reason: reasonOf(error) })
        else o.onBug(error)
      })
      .finally(() => {
        busy.delete(delivery.message)
        o.bell.ring(o.to)
      })
    busy.set(delivery.message, work)
  }

  while (!signal.aborted) {
    const room = o.window - busy.size
    if (room > 0) {
      const due = o.store.due(o.to, o.clock.now(), o.window + busy.size).filter((d) => !busy.has(d.message))
      for (const [i, delivery] of due.slice(0, room).entries()) {
        start(delivery)
        if (i % STARTS_A_TURN === STARTS_A_TURN - 1) await nextTurn()
        if (stopped(signal)) break
      }
    }
    if (busy.size > 0) {
      // Whatever ends rings; what becomes due meanwhile is looked at then.
      await o.bell.wait(o.to, undefined, signal)
      continue
    }
    const next = o.store.nextDue(o.to)
    if (next !== undefined && next <= o.clock.now()) continue
    const before = o.clock.now()
    await o.bell.wait(o.to, next === undefined ? IDLE_MS : waitMs(before, next), signal)
    if (next === undefined && o.store.nextDue(o.to) === undefined) break
  }
  await Promise.all(busy.values())
}

/** Asked anew: an await lies between. */
export const stopped = (signal: AbortSignal): boolean => signal.aborted

/** A clock that jumps must not leave a pump asleep: it looks again every minute. */
const waitMs = (now: UnixMs, next: UnixMs): number => Math.min(next - now, IDLE_MS)

/** A move that puts a delivery off by `ms`. */
export const putOffMove = (
  delivery: Delivery,
  now: UnixMs,
  ms: number,
  why: Pick<Move, 'code' | 'reason' | 'try' | 'road'>,
): Move => ({
  message: delivery.message,
  to: delivery.to,
  // What the peer holds it holds, whatever failed since.
  state: delivery.state === 'peer-stored' ? 'peer-stored' : 'retrying',
  at: now,
  retryAt: (now + ms) as UnixMs,
  ...why,
})
