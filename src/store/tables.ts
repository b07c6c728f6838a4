import type { Database } from 'better-sqlite3'
import type { Hashes } from '../core/hashes.js'
import { createAnswers, type Answers } from './answers.js'
import { createCounters, type Counters } from './counters.js'
import { createCursors, type Cursors } from './cursors.js'
import { createDeliveries, type Deliveries } from './deliveries.js'
import { createDestinations, type Destinations } from './destinations.js'
import { createGeneration, type Generation } from './generation.js'
import { createMarks, type Marks } from './marks.js'
import { createMessages, type Messages } from './messages.js'
import { createOrderKeys, type OrderKeys } from './order-keys.js'
import { createParents, type Parents } from './parents.js'
import { createPeers, type Peers } from './peers.js'
import { createReceipts, type Receipts } from './receipts.js'
import { createRelayMemories, type RelayMemories } from './relay-memory.js'
import { createScopes, type Scopes } from './scopes.js'
import { createStrands, type Strands } from './strands.js'
import type { Undo } from './undo.js'

/** Every table with its statements, prepared once. What writes here runs inside a transaction of the writer, always. */
export interface Tables {
  readonly answers: Answers
  readonly counters: Counters
  readonly cursors: Cursors
  readonly deliveries: Deliveries
  readonly destinations: Destinations
  readonly generation: Generation
  readonly marks: Marks
  readonly messages: Messages
  readonly orderKeys: OrderKeys
  readonly parents: Parents
  readonly peers: Peers
  readonly receipts: Receipts
  readonly relays: RelayMemories
  readonly scopes: Scopes
  readonly strands: Strands
}

export const createTables = (db: Database, hashes: Hashes, undo: Undo): Tables => {
  const counters = createCounters(db, undo)
  const destinations = createDestinations(db, undo)
  const messages = createMessages(db, undo)
  const parents = createParents(db, messages)
  const scopes = createScopes(db, hashes, undo)
  return {
    answers: createAnswers(db, messages),
    counters,
    cursors: createCursors(db),
    deliveries: createDeliveries(db, messages, destinations, counters),
    destinations,
    generation: createGeneration(db),
    marks: createMarks(db),
    messages,
    orderKeys: createOrderKeys(db),
    parents,
    peers: createPeers(db),
    receipts: createReceipts(db),
    relays: createRelayMemories(db),
    scopes,
    strands: createStrands(messages, parents, scopes, counters),
  }
}
