import { backoffMs, type BackoffLimits } from '../core/backoff.js'
import type { Move } from '../core/decision.js'
import type { Destination, EventId, MessageId, Pubkey, Road, UnixMs } from '../core/types.js'
import { toSec } from '../core/types.js'
import type { Clock, Delivery, Random, Store, Transport } from '../ports.js'
import type { AfterCommit } from './after-commit.js'
import { putOffMove } from './pump.js'
import type { Tally } from './tally.js'
import { wrap, type WrapOptions } from './wrap.js'

/**
 * One attempt to bring a message to a peer: choose the road, wait for a relay, wrap, publish, and write down what a relay
 * said. `relay-ok` is not "delivered": only the peer's receipt is (delivery.md).
 */
export interface SendPeerOptions extends WrapOptions {
  readonly store: Pick<Store, 'load' | 'commit'>
  readonly transport: Pick<Transport, 'publish' | 'relaysFor' | 'whenOpen'>
  readonly clock: Clock
  readonly random: Random
  readonly tally: Tally
  readonly afterCommit: AfterCommit
  readonly inFlight: InFlight
  readonly backoff: BackoffLimits
  readonly receiptTimeoutMs: number
  /** Ends a publish that is under way. The attempt's own signal only says that no new one is wanted. */
  readonly hardStop: AbortSignal
}

/** Events that are on their way and not yet written down: the peer's receipt can be quicker than our own commit. */
export type InFlight = Map<string, { message: MessageId; to: Destination }>

export const createSendPeer =
  (o: SendPeerOptions) =>
  async (delivery: Delivery, signal: AbortSignal): Promise<void> => {
    const message = o.store.load(delivery.message)
    if (message === undefined) throw new Error(`a delivery of ${delivery.message} without its message`)
    if (o.clock.now() >= delivery.expiresAt) {
      await settle(expired(delivery, o.clock.now()), o)
      return
    }
    const road: Road = delivery.confidential ? 'nip44' : 'public'
    // Not a try and not a failure: while no relay of the road is open there is nothing to fail at.
    await o.transport.whenOpen(road, signal)
    if (signal.aborted) return

    const now = o.clock.now()
    const event = await wrap(message, delivery.to, road, toSec(now), toSec(delivery.expiresAt), o)
    o.inFlight.set(event.id, { message: delivery.message, to: delivery.to })
    try {
      const answers = await o.transport.publish(event, o.transport.relaysFor(road), o.hardStop)
      if (o.hardStop.aborted) return
      const yes = answers.find((a) => a.ok)
      const at = o.clock.now()
      const waitMs = backoffMs(delivery.tries, o.backoff, o.random.fraction())
      if (yes === undefined) {
        const first = answers[0]
        const code = first === undefined ? 'no-relay' : 'refused'
        const reason =
          first === undefined ? 'no relay of this road can be written to' : `${first.relay}: ${first.message}`
        const move = putOffMove(delivery, at, waitMs, { code, reason: reason.slice(0, 200), road })
        // A relay may have taken it and not said so, or have said no and passed it on: the peer's receipt must count then.
        await settle({ ...move, event: event.id, sent: true, try: true }, o)
        return
      }
      o.tally.count('sent')
      await settle(relayOk(delivery, at, road, event.id, yes.relay, o.receiptTimeoutMs + waitMs), o)
    } finally {
      o.inFlight.delete(event.id)
    }
  }

const settle = async (move: Move, o: Pick<SendPeerOptions, 'store' | 'afterCommit'>): Promise<void> => {
  o.afterCommit(await o.store.commit(() => ({ moves: [move] })))
}

/** What the peer has told us to hold is not dead, whatever its age; we only stop asking. */
const expired = (d: Delivery, at: UnixMs): Move =>
  d.state === 'peer-stored'
    ? { message: d.message, to: d.to, state: 'peer-stored', at, code: 'max-age' }
    : { message: d.message, to: d.to, state: 'dead', at, code: 'max-age', reason: 'no receipt came within its age' }

const relayOk = (d: Delivery, at: UnixMs, road: Road, event: EventId, relay: string, nextMs: number): Move => ({
  message: d.message,
  to: d.to,
  state: d.state === 'peer-stored' ? 'peer-stored' : 'relay-ok',
  at,
  road,
  relay: relay as never,
  event,
  sent: true,
  try: true,
  // Gossip has no addressee who could answer: a relay's word is the end of it.
  ...(isPeer(d.to) ? { retryAt: (at + nextMs) as UnixMs } : {}),
})

const isPeer = (to: Destination): to is Pubkey => !to.includes(':') && to !== 'gossip'
