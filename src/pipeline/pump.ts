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
/** While the store can't be written the pump waits between its tries for as long as it has failed, within these. */
const STORE_RETRY = { minMs: 1_000, maxMs: 60_000 }

/** Runs until nothing is owed for a while, or `signal` aborts. Resolves when its last attempt has ended. */
export const runPump = async (o: PumpOptions, signal: AbortSignal): Promise<void> => {
  const busy = new Map<MessageId, Promise<void>>()
  let storeFails: { readonly since: UnixMs; readonly last: UnixMs } | undefined

  /**
   * Nothing could be written down, so what was tried is still due: without a pause it would be sent again at once and
   * without end, at the cost of the relay.
   */
  const awaitStore = async (fault: Fault): Promise<void> => {
    const now = o.clock.now()
    const since = storeFails?.since ?? now
    storeFails = { since, last: now }
    o.log.warn('pump.store', { to: o.to, reason: reasonOf(fault) })
    const { minMs, maxMs } = STORE_RETRY
    await o.clock.sleep(Math.min(Math.max(now - since, minMs), maxMs), signal)
  }

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
      .then(() => {
        storeFails = undefined
      })
      .catch((error: unknown) => {
        if (error instanceof Fault) return awaitStore(error)
        o.onBug(error)
        return undefined
      })
      .finally(() => {
        busy.delete(delivery.message)
        o.bell.ring(o.to)
      })
    busy.set(delivery.message, work)
  }

  while (!signal.aborted) {
    const now = o.clock.now()
    // A store that fails is tried with one: what is sent meanwhile can't be written down.
    const failing = storeFails !== undefined && now - storeFails.last < 2 * STORE_RETRY.maxMs
    const room = (failing ? 1 : o.window) - busy.size
    if (room > 0) {
      // What is under way is still due, so it may come back among these.
      const due = o.store.due(o.to, now, room + busy.size).filter((d) => !busy.has(d.message))
      for (const [i, delivery] of due.slice(0, room).entries()) {
        start(delivery)
        if (i % STARTS_A_TURN === STARTS_A_TURN - 1) await nextTurn()
        if (stopped(signal)) break
      }
    }
    if (busy.size > 0) {
      // Whatever ends rings. One that waits for long must not hide what becomes due meanwhile.
      const later = busy.size < o.window ? o.store.nextDue(o.to, now) : undefined
      await o.bell.wait(o.to, later === undefined ? undefined : waitMs(now, later), signal)
      continue
    }
    const next = o.store.nextDue(o.to)
    if (next !== undefined && next <= now) continue
    await o.bell.wait(o.to, next === undefined ? IDLE_MS : waitMs(now, next), signal)
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
