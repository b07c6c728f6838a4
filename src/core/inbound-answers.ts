import type { Answer, Decision, KnownMessage, Mark, OwedReceipt, View } from './decision.js'
import type { Carried, InboundContext } from './inbound.js'
import { rememberRefusal, type Refusal } from './refusal.js'
import type { MessageId, Pubkey } from './types.js'

/** What we say back, and to whom (wire.md 2.4). Answers are bounded: nobody can make us send without end. */

/** A sender tries five times on each of four roads; who asks more often while a message waits here gets no more answers. */
const MAX_RECEIPTS_PER_MESSAGE = 20
/** So many more when it has come to its end: a sender that asked all through a long outage must still learn of that. */
const MORE_AT_THE_END = 20

/** A new event with a known message: one `duplicate` with the present stage, and there it ends. */
export const answerKnown = (
  carried: Carried,
  known: KnownMessage,
  author: Pubkey,
  view: View,
  ctx: InboundContext,
): Decision => {
  if (known.author !== author) {
    // Only without a sender in the body: whoever came first holds the id, so the other must learn that it was not taken.
    return refused(carried, { code: 'conflict', message: 'the same body is known from another author' }, known.id, ctx)
  }
  const base: Decision = { message: known.id, fresh: false, marks: [{ id: carried.event.id }] }
  const asked = view.answered(known.id, carried.carrier)?.count ?? 0
  const isOver = known.stage === 'done' || known.rejected
  const most = MAX_RECEIPTS_PER_MESSAGE + (isOver ? MORE_AT_THE_END : 0)
  if (!wantsReceipt(carried, ctx) || asked >= most) return base
  const receipt: OwedReceipt = known.rejected
    ? { ...receiptBase(carried, ctx), ref: known.id, status: 'rejected', code: 'local-rejected', dueAt: ctx.now }
    : {
        ...receiptBase(carried, ctx),
        ref: known.id,
        status: 'duplicate',
        stage: known.stage,
        dueAt: ctx.now,
        ...(known.scopes[0] === undefined ? {} : { scope: known.scopes[0] }),
      }
  return { ...base, answers: [answerOf(carried, known.id)], receipts: [receipt] }
}

/** A refusal writes a mark where the contract says so, and owes a receipt where someone trusted waits for one. */
export const refused = (
  carried: Carried,
  refusal: Refusal,
  ref: MessageId | undefined,
  ctx: Pick<InboundContext, 'now' | 'roster' | 'generation'>,
): Decision => {
  const remember = rememberRefusal(refusal.code)
  const mark: Mark = {
    id: carried.event.id,
    code: refusal.code,
    ...(remember === 'generation' ? { generation: ctx.generation } : {}),
  }
  return {
    refusal,
    ...(ref === undefined ? {} : { message: ref }),
    ...(remember === 'not' ? {} : { marks: [mark] }),
    ...(wantsReceipt(carried, ctx)
      ? {
          receipts: [
            {
              ...receiptBase(carried, ctx),
              ...(ref === undefined ? {} : { ref }),
              status: refusal.code === 'expired' ? 'expired' : 'rejected',
              code: refusal.code,
              message: refusal.message,
              dueAt: ctx.now,
            },
          ],
        }
      : {}),
  }
}

/** Only for what was p-tagged or wrapped to us, and only to a carrier that is trusted by name. */
export const wantsReceipt = (carried: Carried, ctx: Pick<InboundContext, 'roster'>): boolean =>
  carried.toUs && ctx.roster.standing(carried.carrier).receipts

export const receiptBase = (
  carried: Carried,
  ctx: Pick<InboundContext, 'now'>,
): Pick<OwedReceipt, 'to' | 'event' | 'at' | 'confidential'> => ({
  to: carried.carrier,
  event: carried.event.id,
  at: ctx.now,
  confidential: carried.confidential,
})

export const answerOf = (carried: Carried, message: MessageId): Answer => ({
  message,
  carrier: carried.carrier,
  event: carried.event.id,
  confidential: carried.confidential,
})
