import { pairScope, type Decision, type Owed } from '../core/decision.js'
import type { Txxm } from '../core/envelope-types.js'
import type { Roster } from '../core/peers.js'
import { strandOf } from '../core/strand.js'
import type { Destination } from '../core/types.js'
import type { Clock, Delivery, Message, Store } from '../ports.js'
import type { AfterCommit } from './after-commit.js'

/**
 * A local daemon's TXXM that nobody served when it was made waits under `kor:NAME`. Whenever the roster changes, what has
 * found its Herms becomes a delivery to each of them; what has grown too old is dead.
 */
export interface ResolveKorOptions {
  readonly store: Pick<Store, 'owedTo' | 'due' | 'load' | 'commit'>
  readonly roster: () => Roster
  readonly clock: Clock
  readonly afterCommit: AfterCommit
}

export const isKorName = (to: Destination): to is `kor:${string}` => to.startsWith('kor:')

const BATCH = 500

export const resolveKor = async (o: ResolveKorOptions): Promise<void> => {
  for (const to of o.store.owedTo().filter(isKorName)) {
    const name = to.slice('kor:'.length)
    for (;;) {
      const due = o.store.due(to, o.clock.now(), BATCH)
      const decisions = due.flatMap((d) => {
        const decision = decide(d, name, o)
        return decision === undefined ? [] : [o.store.commit(() => decision)]
      })
      if (decisions.length === 0) break
      for (const decision of await Promise.all(decisions)) o.afterCommit(decision)
    }
  }
}

const decide = (delivery: Delivery, name: string, o: ResolveKorOptions): Decision | undefined => {
  const now = o.clock.now()
  const move = { message: delivery.message, to: delivery.to, at: now }
  if (now >= delivery.expiresAt) {
    return { moves: [{ ...move, state: 'dead', code: 'max-age', reason: `no trusted peer ever served ${name}` }] }
  }
  const roster = o.roster()
  const peers = roster.servers(name)
  const message = o.store.load(delivery.message)
  if (peers.length === 0 || message === undefined) return undefined
  const owes: Owed[] = peers.map((to) => ({
    message: delivery.message,
    to,
    dueAt: now,
    expiresAt: delivery.expiresAt,
    confidential: delivery.confidential,
  }))
  return { strand: withScopes(message, roster, peers), owes, moves: [{ ...move, state: 'done', reason: 'routed' }] }
}

/** The strand is known; writing it again adds the scopes that it now belongs to. */
const withScopes = (message: Message, roster: Roster, peers: readonly string[]): NonNullable<Decision['strand']> => ({
  ...strandOf(message.id, message.author, JSON.parse(message.body) as Txxm, message.body),
  ...(message.attestation === undefined ? {} : { attestation: message.attestation }),
  confidential: message.confidential,
  origin: 'kapnetd',
  scopes: peers.map((key) => pairScope(roster.me, key as never)),
})
