import { attestationOf, attestationTemplate } from '../core/attestation.js'
import type { Decision, Scope } from '../core/decision.js'
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
  /** An order that is given twice is made once: the second would be a parent that nobody ever wrote. */
  const byKey = new Map<string, Promise<Result<Accepted>>>()
  const turn = createTurn()
  for (const order of orders) {
    const twin = byKey.get(order.key)
    if (twin !== undefined) {
      answers.push(twin.then((a) => (a.ok ? ok({ ...a.value, fresh: false }) : a)))
      continue
    }
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
    const { id, scopes, body } = prepared.value
    const named = new Set<string>(body.dependencies?.map((d) => d.hash))
    for (const scope of scopes) {
      // What it names it takes the place of; what it could not name is left to the next message.
      const rest = context.tips(scope).filter((tip) => tip !== id && !named.has(tip))
      heads.set(scope, [id, ...rest].slice(0, MAX_TIPS))
    }
    const answer = signAndCommit(prepared.value, order, context, turn, o)
    byKey.set(order.key, answer)
    answers.push(answer)
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

/**
 * Keeps the messages of a batch in the order in which they name each other: each goes to the store when it is signed and
 * those before it have gone or failed. One whose parent could not be written is not written either, or the braid
 * would name for ever what is nowhere.
 */
interface Turn {
  /** Resolves as `signed` does, when those before have been signed or have failed. */
  after<T>(id: MessageId, signed: Promise<T>): Promise<T>
  isLost(parent: string): boolean
  readonly written: Set<string>
}

const createTurn = (): Turn => {
  const made = new Set<string>()
  const written = new Set<string>()
  let before: Promise<unknown> = Promise.resolve()
  return {
    after: (id, signed) => {
      made.add(id)
      const mine = before.then(() => signed)
      before = mine.catch(() => undefined)
      // It is awaited above only when its turn has come.
      signed.catch(() => undefined)
      return mine
    },
    isLost: (parent) => made.has(parent) && !written.has(parent),
    written,
  }
}

const LOST: Decision = {
  refusal: { code: 'local-unavailable', message: 'a message before it, which it names, could not be written' },
}

const signAndCommit = async (
  prepared: Prepared,
  order: Order,
  context: OutboundContext,
  turn: Turn,
  o: OutboundOptions,
): Promise<Result<Accepted>> => {
  const { id, body } = prepared
  const deniable = order.kind === 'new' && order.deniable
  const signed = deniable
    ? Promise.resolve(undefined)
    : o.signer.signEvent(attestationTemplate('txxm-envelope', id, toSec(context.now))).then(attestationOf)
  const attestation = await turn.after(id, signed)
  const commit = o.store.commit((view) => {
    if (body.dependencies?.some((d) => turn.isLost(d.hash)) === true) return LOST
    turn.written.add(id)
    const known = { order: view.orderKey(order.key), message: view.message(id) !== undefined }
    return decideOutbound(prepared, order.key, attestation, known, context)
  })
  const decision = await commit.catch((error: unknown) => {
    turn.written.delete(id)
    throw error
  })
  if (decision.refusal !== undefined) {
    o.afterCommit(decision)
    return { ok: false, refusal: decision.refusal }
  }
  if (decision.fresh === true) o.tally.count('accepted')
  o.afterCommit(decision)
  return ok({ id: decision.message ?? id, fresh: decision.fresh === true })
}
