import type { Decision, Move, View } from './decision.js'
import type { Receipt } from './envelope-types.js'
import type { Carried, InboundContext } from './inbound.js'
import { isRetriable, REFUSAL_CODES, type RefusalCode } from './refusal.js'
import type { Pubkey, UnixMs } from './types.js'

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
    else moves.push(move)
  }
  if (moves.length > 0) return { moves, marks }
  return {
    refusal: {
      code: 'not-addressed',
      message: `${strangers} receipts for events that we did not send to their author`,
    },
    marks: [{ id: carried.event.id, code: 'not-addressed' }],
  }
}

const moveOf = (
  receipt: Receipt,
  carried: Carried,
  author: Pubkey,
  view: View,
  ctx: InboundContext,
): Move | undefined => {
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
  const later = (ctx.now + ctx.retryAfterMs) as UnixMs

  if (receipt.status === 'accepted' || receipt.status === 'duplicate') {
    // Absent means done (wire.md 2.4). After `stored` the sender asks again some time, or a lost `done` would leave it waiting.
    // What the peer says of the scope we share goes with it: the evidence that both braids are equal.
    const told = receipt.braid === undefined ? {} : { reason: `braid ${receipt.braid.count} ${receipt.braid.root}` }
    return receipt.stage === 'stored'
      ? { ...base, ...told, state: 'peer-stored', retryAt: later }
      : { ...base, ...told, state: 'done' }
  }
  const code: RefusalCode =
    REFUSAL_CODES.find((c) => c === receipt.code) ?? (receipt.status === 'expired' ? 'expired' : 'local-rejected')
  const reason = receipt.message?.slice(0, 200)
  const why = { code, ...(reason === undefined ? {} : { reason }) }
  return isRetriable(code) ? { ...base, ...why, state: 'retrying', retryAt: later } : { ...base, ...why, state: 'dead' }
}
