import type { Decision, View } from './decision.js'
import type { Envelope } from './envelope-types.js'
import { answerKnown, answerOf, receiptBase, refused, wantsReceipt } from './inbound-answers.js'
import { untrusted } from './inbound-grants.js'
import { GRACE_SEC, type Carried, type InboundContext } from './inbound.js'
import { refuse, type Result } from './refusal.js'
import type { MessageId, Pubkey } from './types.js'
import { toSec } from './types.js'

/**
 * A task for an agent of this Herm (wire.md 2.2). It is a row, not a strand: (sender, task_id) names it, and the same pair
 * with another body is a `conflict`, so that no task runs twice in two shapes.
 */
export const decideTask = (
  carried: Carried,
  envelope: Extract<Envelope, { type: 'task-envelope' }>,
  author: Pubkey,
  view: View,
  ctx: InboundContext,
): Decision => {
  const id = envelope.sha256 as MessageId
  const task = envelope.body
  const allowed = mayRun(author, task, ctx)
  if (!allowed.ok) return refused(carried, allowed.refusal, id, ctx)

  const known = view.message(id)
  if (known !== undefined) return answerKnown(carried, known, author, view, ctx)
  const same = view.task(author, task.task_id)
  if (same !== undefined && same.id !== id) {
    return refused(
      carried,
      { code: 'conflict', message: `another task ${task.task_id} of its sender is known` },
      id,
      ctx,
    )
  }
  if (task.deadline !== undefined && task.deadline + GRACE_SEC < toSec(ctx.now)) {
    return refused(carried, { code: 'expired', message: 'its deadline has passed' }, id, ctx)
  }
  return {
    message: id,
    fresh: true,
    row: {
      id,
      kind: 'task',
      author,
      taskId: task.task_id,
      body: envelope.bodyText,
      ...(envelope.attestation === undefined ? {} : { attestation: envelope.attestation }),
      confidential: carried.confidential,
      origin: 'peer',
    },
    marks: [{ id: carried.event.id }],
    ...(wantsReceipt(carried, ctx)
      ? {
          answers: [answerOf(carried, id)],
          receipts: [{ ...receiptBase(carried, ctx), ref: id, status: 'accepted', stage: 'stored', dueAt: ctx.now }],
        }
      : {}),
  }
}

/** A result is taken only for a task of ours that is open with its author; this Herm gives out none yet. */
export const decideResult = (
  carried: Carried,
  envelope: Extract<Envelope, { type: 'task-result' }>,
  author: Pubkey,
  ctx: InboundContext,
): Decision => {
  const id = envelope.sha256 as MessageId
  const refusal = ctx.roster.standing(author).trusted
    ? { code: 'not-addressed' as const, message: `no task ${envelope.body.task_id} of ours is open` }
    : untrusted(author)
  return refused(carried, refusal, id, ctx)
}

const mayRun = (
  author: Pubkey,
  task: Extract<Envelope, { type: 'task-envelope' }>['body'],
  ctx: InboundContext,
): Result<true> => {
  if (author === ctx.roster.me) return refuse('not-addressed', 'we wrote it ourselves')
  const standing = ctx.roster.standing(author)
  if (!standing.trusted) return { ok: false, refusal: untrusted(author) }
  if (task.audience?.includes(ctx.roster.me) !== true) return refuse('not-addressed', 'we are not in its audience')
  const exposed = ctx.agents.filter((agent) => standing.agents?.includes(agent) !== false)
  if (task.to === 'dispatch' ? exposed.length === 0 : !exposed.includes(task.to)) {
    return refuse('no-such-agent', `no agent called ${task.to} is exposed to its author`)
  }
  return { ok: true, value: true }
}
