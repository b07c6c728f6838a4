import type { KnownMessage, View } from '../core/decision.js'
import type { MessageId } from '../core/types.js'
import { toHex } from './columns.js'
import type { Tables } from './tables.js'

/** What a decision may read. On the writer's connection, so it sees what was written a moment ago in the same transaction. */
export const createView = (tables: Tables): View => {
  const { answers, deliveries, marks, messages, orderKeys, parents, peers, scopes } = tables
  return {
    mark: (id) => marks.get(id),
    message: (id) => known(id, tables),
    orderKey: (key) => orderKeys.get(key),
    tips: (scope, limit) => {
      const number = scopes.find(scope)
      return number === undefined ? [] : parents.tips(number, limit).map((id) => toHex<MessageId>(id))
    },
    sent: (event) => deliveries.sent(event),
    delivery: (message, to) => deliveries.get(message, to),
    peer: (key) => peers.get(key),
    pinned: (id) => peers.pinned(id),
    task: (sender, taskId) => {
      const id = messages.task(sender, taskId)
      return id === undefined ? undefined : { id }
    },
    answered: (message, carrier) => answers.answered(message, carrier),
    answers: (message) => answers.of(message),
    root: (scope) => scopes.root(scope),
  }
}

const known = (id: MessageId, { deliveries, messages, scopes }: Tables): KnownMessage | undefined => {
  const head = messages.head(id)
  if (head === undefined) return undefined
  const { done, rejected } = deliveries.localStage(head.seq)
  return {
    id,
    author: head.author,
    kind: head.kind,
    stage: done ? 'done' : 'stored',
    rejected,
    scopes: head.kind === 'strand' ? scopes.of(head.seq) : [],
  }
}
