import { reasonOf } from '../core/fault.js'
import { nodeInfoTemplate } from '../core/nodeinfo.js'
import type { NodeInfo } from '../core/envelope-types.js'
import type { RelayUrl, UnixSec } from '../core/types.js'
import { toSec } from '../core/types.js'
import type { Clock, Log, RelayAnswer, Signer, Transport } from '../ports.js'
import type { Bell } from './bell.js'

/**
 * Tells the world that this Herm is there (wire.md 2.5): when a relay opens or comes back, every interval, and as
 * `draining` and `offline` when it stops. A node-info is replaceable, so each must be newer than the one before.
 */
export interface Advertiser {
  /** Runs until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>
  /** Publishes once with this status; resolves with what the relays said. Never rejects. */
  announce(status: NodeInfo['status'], signal: AbortSignal): Promise<RelayAnswer[]>
}

export interface AdvertiseOptions {
  readonly info: (status: NodeInfo['status']) => NodeInfo
  readonly intervalMs: number
  readonly expireMs: number
  readonly relays: () => RelayUrl[]
  readonly signer: Signer
  readonly transport: Pick<Transport, 'publish'>
  readonly clock: Clock
  readonly log: Log
  readonly bell: Bell
  /** When the newest node-info was dated, also by the process before this one. */
  readonly lastAt: () => number | undefined
  readonly setLastAt: (at: UnixSec) => Promise<void>
}

/** What is dated further ahead nobody believes (wire.md 2.5): a date like that comes from a clock that was wrong. */
const MAX_AHEAD_SEC = 300
/** A relay that flaps must not make us publish in a circle. */
const MIN_INTERVAL_MS = 1_000

export const createAdvertiser = (o: AdvertiseOptions): Advertiser => {
  let last = 0

  /** Later than the one before, or relays would keep that one: `offline`, after a quick restart. */
  const nextAt = (): UnixSec => {
    const now = toSec(o.clock.now())
    const kept = o.lastAt() ?? 0
    const newest = Math.max(...[last, kept].filter((at) => at <= now + MAX_AHEAD_SEC), 0)
    last = Math.max(now, newest + 1)
    return last as UnixSec
  }

  const announce = async (status: NodeInfo['status'], signal: AbortSignal): Promise<RelayAnswer[]> => {
    const now = nextAt()
    const expiresAt = (now + Math.ceil(o.expireMs / 1000)) as UnixSec
    try {
      await o.setLastAt(now)
      const event = await o.signer.signEvent(nodeInfoTemplate(o.info(status), now, expiresAt))
      // Every relay by itself: `publish` ends with the first yes, and each of them should have it.
      const answers = await Promise.all(o.relays().map((relay) => o.transport.publish(event, [relay], signal)))
      const flat = answers.flat()
      for (const a of flat) {
        if (!a.ok) o.log.info('advertise.refused', { relay: a.relay, reason: a.message })
      }
      return flat
    } catch (error) {
      o.log.warn('advertise.failed', { reason: reasonOf(error) })
      return []
    }
  }

  return {
    announce,
    run: async (signal) => {
      for (;;) {
        // Rung when a relay opens: before that there is nobody to tell.
        await o.bell.wait('advertise', o.intervalMs, signal)
        if (signal.aborted) return
        await announce('active', signal)
        await o.clock.sleep(MIN_INTERVAL_MS, signal)
      }
    },
  }
}
