import type { Decision, Move, View } from './decision.js'
import type { Receipt } from './envelope-types.js'
import type { Carried, InboundContext } from './inbound.js'
import { isRetriable, REFUSAL_CODES, type RefusalCode } from './refusal.js'
import type { DeliveryState, Pubkey, UnixMs } from './types.js'

/** As long as the slowest look at an unanswered message. */
const MAX_RETRY_MS = 6 * 60 * 60 * 1000

/**
 * A peer's receipts (wire.md 2.4). One counts only from the destination of that very delivery, and only for an event that
 * we sent in it: a third Herm can neither settle nor spoil what is between two others. There are no receipts for receipts.
 */
export const decideReceipts = (
  carried: Carried,
  receipts: readonly Receipt[],
  author: Pubkey,
  view: View,
  ctx: InboundContext,
): Decision => {
  const marks = [{ id: carried.event.id }]
  if (author !== carried.carrier || !ctx.roster.standing(author).receipts) {
    return {
      refusal: { code: 'untrusted-sender', message: `a receipt of ${author} brought by ${carried.carrier}` },
      marks: [{ id: carried.event.id, code: 'untrusted-sender', generation: ctx.generation }],
    }
  }
  const moves: Move[] = []
  let strangers = 0
  for (const receipt of receipts) {
    const move = moveOf(receipt, carried, author, view, ctx)
    if (move === undefined) strangers++
    else if (move !== 'known') moves.push(move)
  }
  if (strangers < receipts.length) return { moves, marks }
  return {
    refusal: {
      code: 'not-addressed',
      message: `${strangers} receipts for events that we did not send to their author`,
    },
    marks: [{ id: carried.event.id, code: 'not-addressed' }],
  }
}

/** `known`: it counts, and changes nothing. Undefined: it is not about what we sent to its author. */
const moveOf = (
  receipt: Receipt,
  carried: Carried,
  author: Pubkey,
  view: View,
  ctx: InboundContext,
): Move | 'known' | undefined => {
  if (receipt.audience?.includes(ctx.roster.me) === false) return undefined
  const sent = ctx.inFlight(receipt.event) ?? view.sent(receipt.event)
  if (sent?.to !== author) return undefined
  if (receipt.ref !== undefined && receipt.ref !== sent.message) return undefined
  const base = {
    message: sent.message,
    to: author,
    at: ctx.now,
    event: carried.event.id,
    road: carried.road,
  }
  const present = view.delivery(sent.message, author)
  /** A receipt is a step only where it says something new: a peer that repeats itself must not fill our disk. */
  const isNew = (state: DeliveryState): boolean => present?.state !== state

  if (receipt.status === 'accepted' || receipt.status === 'duplicate') {
    // Absent means done (wire.md 2.4). After `stored` the sender asks again some time, or a lost `done` would leave it waiting.
    // What the peer says of the scope we share goes with it: the evidence that both braids are equal.
    const told = receipt.braid === undefined ? {} : { reason: `braid ${receipt.braid.count} ${receipt.braid.root}` }
    if (receipt.stage !== 'stored') return isNew('done') ? { ...base, ...told, state: 'done' } : 'known'
    return isNew('peer-stored')
      ? { ...base, ...told, state: 'peer-stored', retryAt: (ctx.now + ctx.retryAfterMs) as UnixMs }
      : 'known'
  }
  const code: RefusalCode =
    REFUSAL_CODES.find((c) => c === receipt.code) ?? (receipt.status === 'expired' ? 'expired' : 'local-rejected')
  const reason = receipt.message?.slice(0, 200)
  const why = { code, ...(reason === undefined ? {} : { reason }) }
  if (!isRetriable(code)) return isNew('dead') ? { ...base, ...why, state: 'dead' } : 'known'
  // It is asked again ever more seldom, as long as it says "not now".
  const waitMs = Math.min(ctx.retryAfterMs * 2 ** Math.min(present?.tries ?? 0, 16), MAX_RETRY_MS)
  return isNew('retrying') ? { ...base, ...why, state: 'retrying', retryAt: (ctx.now + waitMs) as UnixMs } : 'known'
}
