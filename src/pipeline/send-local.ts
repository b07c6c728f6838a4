import { backoffMs } from '../core/backoff.js'
import type { Decision, Move, OwedReceipt, View } from '../core/decision.js'
import { isRetriable, type Refusal } from '../core/refusal.js'
import type { Destination, PortName, UnixMs } from '../core/types.js'
import type { Clock, Delivered, Delivery, LocalPort, Random, Store } from '../ports.js'
import type { AfterCommit } from './after-commit.js'
import { putOffMove } from './pump.js'
import { LOCAL_BACKOFF } from './put-off.js'
import type { Tally } from './tally.js'

/** One attempt to hand a message to a local port, and the receipt of stage `done` when it was the last port owed. */
export interface SendLocalOptions {
  readonly port: LocalPort
  /** Every configured port: a message is done when all have acknowledged. */
  readonly ports: readonly PortName[]
  readonly store: Pick<Store, 'load' | 'commit'>
  readonly clock: Clock
  readonly random: Random
  readonly tally: Tally
  readonly afterCommit: AfterCommit
}

export const createSendLocal =
  (o: SendLocalOptions) =>
  async (delivery: Delivery, signal: AbortSignal): Promise<void> => {
    await o.port.whenOpen(signal)
    if (signal.aborted) return
    // Loaded only now: many may wait for the port, and their bodies would fill the memory.
    const message = o.store.load(delivery.message)
    if (message === undefined) throw new Error(`a delivery of ${delivery.message} without its message`)
    const answer = await o.port.deliver(message, signal)
    const laterMs = backoffMs(delivery.tries, LOCAL_BACKOFF, o.random.fraction())
    const decision = await o.store.commit((view) =>
      decideDelivered(delivery, answer, o.ports, view, o.clock.now(), laterMs),
    )
    // A refusal of the port's; the decision holds what is done about it, for the message itself was taken long ago.
    if (typeof answer === 'object') o.tally.refused(answer.code)
    o.afterCommit(decision)
  }

const decideDelivered = (
  delivery: Delivery,
  answer: Delivered,
  ports: readonly PortName[],
  view: View,
  now: UnixMs,
  laterMs: number,
): Decision => {
  if (typeof answer === 'object' && isRetriable(answer.code)) {
    return { moves: [putOffMove(delivery, now, laterMs, { code: answer.code, reason: answer.message, try: true })] }
  }
  const move = finalMove(delivery, answer, now)
  const others = ports.filter((p) => `port:${p}` !== delivery.to)
  const rejected = typeof answer === 'object' ? answer : undefined
  const pending = others.some((p) => isPending(view, delivery, `port:${p}`))
  // A no from one port is final at once; a yes is told only when every port has said it.
  if (rejected === undefined && pending) return { moves: [move] }
  return { moves: [move], receipts: receiptsFor(delivery, rejected, view, now) }
}

const finalMove = (delivery: Delivery, answer: Delivered, now: UnixMs): Move => {
  const base = { message: delivery.message, to: delivery.to, at: now, try: true }
  return typeof answer === 'object'
    ? { ...base, state: 'dead', code: answer.code, reason: answer.message }
    : { ...base, state: 'done', ...(answer === 'duplicate' ? { reason: 'duplicate' } : {}) }
}

const isPending = (view: View, delivery: Delivery, to: Destination): boolean => {
  const state = view.delivery(delivery.message, to)?.state
  return state !== undefined && state !== 'done' && state !== 'dead'
}

const receiptsFor = (delivery: Delivery, rejected: Refusal | undefined, view: View, now: UnixMs): OwedReceipt[] => {
  const scope = view.message(delivery.message)?.scopes[0]
  return view.answers(delivery.message).map((answer) => ({
    to: answer.carrier,
    event: answer.event,
    ref: delivery.message,
    at: now,
    dueAt: now,
    confidential: answer.confidential,
    ...(rejected === undefined
      ? { status: 'accepted', stage: 'done' }
      : { status: 'rejected', code: rejected.code, message: rejected.message }),
    ...(scope === undefined ? {} : { scope }),
  }))
}
