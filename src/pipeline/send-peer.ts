import { backoffMs } from '../core/backoff.js'
import type { Move } from '../core/decision.js'
import { nextLookMs, type Patience } from '../core/patience.js'
import type { Destination, EventId, MessageId, Pubkey, RelayUrl, Road, UnixMs } from '../core/types.js'
import { toSec } from '../core/types.js'
import type { Clock, Delivery, Random, Store, Transport } from '../ports.js'
import type { AfterCommit } from './after-commit.js'
import { openBefore } from './open-road.js'
import { putOffMove } from './pump.js'
import type { Tally } from './tally.js'
import { wrap, type WrapOptions } from './wrap.js'

/**
 * One attempt to bring a message to a peer: choose the road, wait for a relay, wrap, publish, and write down what a relay
 * said. `relay-ok` is not "delivered": only the peer's receipt is (delivery.md).
 */
export interface SendPeerOptions extends WrapOptions {
  readonly store: Pick<Store, 'load' | 'commit' | 'view'>
  readonly transport: Pick<Transport, 'publish' | 'relaysFor' | 'whenOpen'>
  readonly clock: Clock
  readonly random: Random
  readonly tally: Tally
  readonly afterCommit: AfterCommit
  readonly inFlight: InFlight
  readonly patience: Patience
  /** Its receipts count. To anybody else nothing is sent, whatever was owed to it once. */
  readonly isTrusted: (peer: Pubkey) => boolean
  /** Its node-info has run out or says that it is offline: no answer is no failure then. */
  readonly isAsleep: (peer: Pubkey) => boolean
  /** Ends a publish that is under way. The attempt's own signal only says that no new one is wanted. */
  readonly hardStop: AbortSignal
}

/** Events that are on their way and not yet written down: the peer's receipt can be quicker than our own commit. */
export type InFlight = Map<string, { message: MessageId; to: Destination }>

export const createSendPeer =
  (o: SendPeerOptions) =>
  async (delivery: Delivery, signal: AbortSignal): Promise<void> => {
    const road: Road = delivery.confidential ? 'nip44' : 'public'
    const hopeless = whyHopeless(delivery, road, o)
    if (hopeless !== undefined) {
      await settle(hopeless, o)
      return
    }
    // Not a try and not a failure: while no relay of the road is open there is nothing to fail at.
    const startedAt = o.clock.now()
    if (!(await openBefore(road, delivery.expiresAt, o, signal))) return
    const now = o.clock.now()
    // Meanwhile a receipt may have come: then the pump looks at it anew, as it does when its time has run out.
    const state = now === startedAt ? delivery.state : o.store.view.delivery(delivery.message, delivery.to)?.state
    if (state !== delivery.state || now >= delivery.expiresAt) return

    // Loaded only now: many may wait for a relay, and their bodies would fill the memory.
    const message = o.store.load(delivery.message)
    if (message === undefined) throw new Error(`a delivery of ${delivery.message} without its message`)
    const event = await wrap(message, delivery.to, road, toSec(now), toSec(delivery.expiresAt), o)
    o.inFlight.set(event.id, { message: delivery.message, to: delivery.to })
    try {
      const answers = await o.transport.publish(event, o.transport.relaysFor(road), o.hardStop)
      if (o.hardStop.aborted) return
      const yes = answers.find((a) => a.ok)
      const at = o.clock.now()
      if (yes === undefined) {
        const waitMs = backoffMs(delivery.tries, o.patience.backoff, o.random.fraction())
        const first = answers[0]
        const code = first === undefined ? 'no-relay' : 'refused'
        const reason = first === undefined ? NO_RELAY : `${first.relay}: ${first.message}`
        const move = putOffMove(delivery, at, waitMs, { code, reason: reason.slice(0, 200), road })
        // A relay may have taken it and not said so, or have said no and passed it on: the peer's receipt must count then.
        await settle({ ...move, event: event.id, sent: true, try: true }, o)
        return
      }
      o.tally.count('sent')
      await settle(relayOk(delivery, at, road, event.id, yes.relay, o), o)
    } finally {
      o.inFlight.delete(event.id)
    }
  }

const NO_RELAY = 'no relay of this road can be written to'

/** What need not be tried now, and the move that says why. */
const whyHopeless = (d: Delivery, road: Road, o: SendPeerOptions): Move | undefined => {
  const at = o.clock.now()
  if (at >= d.expiresAt) return expired(d, at)
  // A grant or a relay may come back: it is looked at again, ever more seldom, until its time is over.
  const later = (code: 'untrusted-sender' | 'no-relay', reason: string): Move => ({
    ...putOffMove(d, at, nextLookMs(d.tries, true, o.patience, o.random.fraction()), { code, reason, road, try: true }),
    ...(d.state === 'peer-stored' ? {} : { state: 'undeliverable' }),
  })
  if (isPeer(d.to) && !o.isTrusted(d.to)) return later('untrusted-sender', 'it is not a trusted peer any more')
  return o.transport.relaysFor(road).length === 0 ? later('no-relay', NO_RELAY) : undefined
}

const settle = async (move: Move, o: Pick<SendPeerOptions, 'store' | 'afterCommit'>): Promise<void> => {
  const decision = await o.store.commit((view) => {
    // The peer's word may have come while this one was on its way to the store.
    const isLate = move.state === 'dead' && view.delivery(move.message, move.to)?.state === 'peer-stored'
    return isLate ? {} : { moves: [move] }
  })
  o.afterCommit(decision)
}

/** What the peer has told us to hold is not dead, whatever its age; we only stop asking. */
const expired = (d: Delivery, at: UnixMs): Move =>
  d.state === 'peer-stored'
    ? { message: d.message, to: d.to, state: 'peer-stored', at, code: 'max-age' }
    : { message: d.message, to: d.to, state: 'dead', at, code: 'max-age', reason: 'no receipt came within its age' }

const relayOk = (
  d: Delivery,
  at: UnixMs,
  road: Road,
  event: EventId,
  relay: RelayUrl,
  o: Pick<SendPeerOptions, 'patience' | 'isAsleep' | 'random'>,
): Move => {
  const move: Move = {
    message: d.message,
    to: d.to,
    state: d.state === 'peer-stored' ? 'peer-stored' : 'relay-ok',
    at,
    road,
    relay,
    event,
    sent: true,
    try: true,
  }
  // Gossip has no addressee who could answer: a relay's word is the end of it.
  if (!isPeer(d.to)) return move
  const calm = d.state === 'peer-stored' || o.isAsleep(d.to)
  return { ...move, retryAt: (at + nextLookMs(d.tries, calm, o.patience, o.random.fraction())) as UnixMs }
}

const isPeer = (to: Destination): to is Pubkey => !to.includes(':') && to !== 'gossip'
