import { attestationOf, attestationTemplate } from '../core/attestation.js'
import type { Scope } from '../core/decision.js'
import { Fault } from '../core/fault.js'
import type { Hashes } from '../core/hashes.js'
import {
  decideOutbound,
  MAX_TIPS,
  prepareMade,
  prepareNew,
  type OutboundContext,
  type Prepared,
} from '../core/outbound.js'
import { ok, type Result } from '../core/refusal.js'
import type { MessageId } from '../core/types.js'
import { toSec } from '../core/types.js'
import type { Accepted, Clock, Intake, Order, Random, Signer, Store } from '../ports.js'
import type { AfterCommit } from './after-commit.js'
import { randomU64 } from './nonce.js'
import type { Tally } from './tally.js'

/**
 * Where everything that a local caller wants sent enters: prepare, sign the attestations, commit. One batch at a time, so
 * that the messages of a batch name each other as parents and the braid stays narrow. The caller has its answer only
 * when its message is durable.
 */
export interface OutboundOptions {
  readonly store: Pick<Store, 'commit' | 'view'>
  readonly signer: Signer
  readonly hashes: Hashes
  readonly clock: Clock
  readonly random: Random
  readonly tally: Tally
  readonly afterCommit: AfterCommit
  readonly context: () => Omit<OutboundContext, 'tips' | 'nonce'>
}

export const createOutbound = (o: OutboundOptions): Intake<Order, Accepted> => {
  // A chain of batches: the next begins when the one before is durable. It never rejects, so it never breaks.
  let last: Promise<unknown> = Promise.resolve()
  return (orders) => {
    const turn = last.then(() => takeBatch(orders, o))
    last = turn.catch(() => undefined)
    return turn
  }
}

const takeBatch = async (orders: readonly Order[], o: OutboundOptions): Promise<Result<Accepted>[]> => {
  const heads = new Map<Scope, readonly MessageId[]>()
  const ctx = (): OutboundContext => ({
    ...o.context(),
    nonce: randomU64(o.random),
    tips: (scope) => {
      const known = heads.get(scope) ?? o.store.view.tips(scope, MAX_TIPS)
      heads.set(scope, known)
      return known
    },
  })

  const answers: Promise<Result<Accepted>>[] = []
  for (const order of orders) {
    // Known already: nothing is made or signed for it.
    const first = o.store.view.orderKey(order.key)
    if (first !== undefined) {
      answers.push(Promise.resolve(ok({ id: first, fresh: false })))
      continue
    }
    const context = ctx()
    const prepared = order.kind === 'new' ? prepareNew(order, context, o.hashes) : prepareMade(order, context, o.hashes)
    if (!prepared.ok) {
      o.tally.refused(prepared.refusal.code)
      answers.push(Promise.resolve(prepared))
      continue
    }
    for (const scope of prepared.value.scopes) {
      // What names every tip replaces them; what could not name all leaves the rest to the next message.
      if (prepared.value.scopes.length === 1) heads.set(scope, [prepared.value.id])
    }
    answers.push(signAndCommit(prepared.value, order, context, o))
  }
  // A Fault of one order (signer or disk) must not hide what became of the others, so all are awaited first.
  const settled = await Promise.allSettled(answers)
  return settled.map((s) => {
    if (s.status === 'fulfilled') return s.value
    if (s.reason instanceof Fault) {
      return { ok: false, refusal: { code: 'local-unavailable', message: s.reason.message.slice(0, 200) } }
    }
    throw s.reason
  })
}

const signAndCommit = async (
  prepared: Prepared,
  order: Order,
  context: OutboundContext,
  o: OutboundOptions,
): Promise<Result<Accepted>> => {
  const deniable = order.kind === 'new' && order.deniable
  const attestation = deniable
    ? undefined
    : attestationOf(await o.signer.signEvent(attestationTemplate('txxm-envelope', prepared.id, toSec(context.now))))
  const decision = await o.store.commit((view) =>
    decideOutbound(
      prepared,
      order.key,
      attestation,
      { order: view.orderKey(order.key), message: view.message(prepared.id) !== undefined },
      context,
    ),
  )
  if (decision.fresh === true) o.tally.count('accepted')
  o.afterCommit(decision)
  return ok({ id: decision.message ?? prepared.id, fresh: decision.fresh === true })
}
