import { pairScope, type Decision, type Owed } from '../core/decision.js'
import type { Txxm } from '../core/envelope-types.js'
import type { Roster } from '../core/peers.js'
import { strandOf } from '../core/strand.js'
import { Fault } from '../core/fault.js'
import type { Pubkey } from '../core/types.js'
import type { Clock, Delivery, Log, Message, Store } from '../ports.js'
import type { AfterCommit } from './after-commit.js'
import { isKorName } from './kor-name.js'

/**
 * A local daemon's TXXM that nobody served when it was made waits under `kor:NAME`. Whenever the roster changes, what has
 * found its Herms becomes a delivery to each of them; what has grown too old is dead.
 */
export interface ResolveKorOptions {
  readonly store: Pick<Store, 'owedTo' | 'due' | 'load' | 'commit'>
  readonly roster: () => Roster
  readonly clock: Clock
  readonly log: Log
  readonly afterCommit: AfterCommit
}

const BATCH = 500

/** One at a time; asked for during one, it runs once more. A store that fails is tried again at the next change. */
export const createKorResolver = (o: ResolveKorOptions): (() => Promise<void>) => {
  let running: Promise<void> | undefined
  let again = false
  const run = async (): Promise<void> => {
    do {
      again = false
      await resolveKor(o).catch((error: unknown) => {
        if (!(error instanceof Fault)) throw error
        o.log.warn('kor.fault', { reason: error.message })
      })
    } while (asked())
    running = undefined
  }
  const asked = (): boolean => again
  return () => {
    again = running !== undefined
    running ??= run()
    return running
  }
}

const resolveKor = async (o: ResolveKorOptions): Promise<void> => {
  for (const to of o.store.owedTo().filter(isKorName)) {
    for (;;) {
      const peers = o.roster().servers(to.slice('kor:'.length))
      const due = o.store.due(to, o.clock.now(), BATCH)
      const decisions = due.flatMap((d) => decide(d, peers, o) ?? [])
      if (decisions.length === 0) break
      const done = await Promise.all(decisions.map((decision) => o.store.commit(() => decision)))
      for (const decision of done) o.afterCommit(decision)
    }
  }
}

/** Undefined: it goes on waiting. */
const decide = (delivery: Delivery, peers: readonly Pubkey[], o: ResolveKorOptions): Decision | undefined => {
  const now = o.clock.now()
  const move = { message: delivery.message, to: delivery.to, at: now }
  if (now >= delivery.expiresAt) {
    const reason = `no trusted peer ever served ${delivery.to.slice('kor:'.length)}`.slice(0, 200)
    return { moves: [{ ...move, state: 'dead', code: 'max-age', reason }] }
  }
  if (peers.length === 0) return undefined
  const message = o.store.load(delivery.message)
  if (message === undefined) throw new Error(`a delivery of ${delivery.message} without its message`)
  const owes: Owed[] = peers.map((to) => ({
    message: delivery.message,
    to,
    dueAt: now,
    expiresAt: delivery.expiresAt,
    confidential: delivery.confidential,
  }))
  return {
    strand: withScopes(message, o.roster().me, peers),
    owes,
    moves: [{ ...move, state: 'done', reason: 'routed' }],
  }
}

/** The strand is known; writing it again adds the scopes that it now belongs to. */
const withScopes = (message: Message, me: Pubkey, peers: readonly Pubkey[]): NonNullable<Decision['strand']> => ({
  ...strandOf(message.id, message.author, JSON.parse(message.body) as Txxm, message.body),
  ...(message.attestation === undefined ? {} : { attestation: message.attestation }),
  confidential: message.confidential,
  origin: 'kapnetd',
  scopes: peers.map((key) => pairScope(me, key)),
})
