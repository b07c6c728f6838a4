import type { Database } from 'better-sqlite3'
import { DELIVERY_STATES } from '../core/delivery.js'
import { Fault } from '../core/fault.js'
import type { Hashes } from '../core/hashes.js'
import type { DeliveryState } from '../core/types.js'
import type { BraidReader, Clock, Store, StoreCounts } from '../ports.js'
import { apply } from './apply.js'
import { connect, disconnect } from './connect.js'
import { HASTEN_BATCH } from './deliveries.js'
import { createMissing } from './log.js'
import { createReader } from './reader.js'
import { createTables, type Tables } from './tables.js'
import { createUndo, type Undo } from './undo.js'
import { createView } from './view.js'
import { createWriter, type Writer } from './writer.js'

export interface OpenOptions {
  readonly clock: Clock
  readonly hashes: Hashes
  /** For the command line beside a running bridge: every write is refused with a Fault. */
  readonly readOnly?: boolean
}

/** Opens the store, or throws a Fault('store') that says why it can't. */
export const openStore = (file: string, { clock, hashes, readOnly = false }: OpenOptions): Store & BraidReader => {
  const db = connect(file, readOnly)
  const undo = createUndo()
  const tables = createTables(db, hashes, undo)
  const { cursors, deliveries, generation, messages, peers, receipts, relays, scopes } = tables
  const view = createView(tables)
  const writer = readOnly ? refusingWriter : groupWriter(db, tables, undo)
  let closing: Promise<void> | undefined

  return {
    commit: (decide) =>
      writer.write(() => {
        const decision = decide(view)
        apply(decision, tables, clock.now())
        return decision
      }),
    view,
    due: deliveries.due,
    nextDue: deliveries.nextDue,
    hasten: async (to, now, fromMs, withinMs) => {
      while ((await writer.write(() => deliveries.hasten(to, now, fromMs, withinMs))) === HASTEN_BATCH);
    },
    owedTo: deliveries.owedTo,
    load: messages.load,
    deliveriesOf: deliveries.of,
    receiptsDue: receipts.due,
    nextReceiptDue: receipts.nextDue,
    receiptsOwedTo: receipts.owedTo,
    receiptsSent: (seqs) => writer.write(() => receipts.sent(seqs)),
    peers: peers.all,
    pins: peers.pins,
    grants: peers.grants,
    setGrant: (grant) =>
      writer.write(() => {
        peers.setGrant(grant)
        generation.moveOn()
      }),
    generation: (fingerprint) => writer.write(() => generation.of(fingerprint)),
    relayMemory: relays.get,
    rememberRelay: (memory) => writer.write(() => relays.set(memory)),
    cursor: cursors.get,
    setCursor: (name, value) => writer.write(() => cursors.set(name, value)),
    known: (id) => view.message(id),
    root: scopes.root,
    missing: createMissing(db),
    counts: () => countsOf(tables),
    ...createReader(db, tables, view),
    close: () => {
      closing ??= writer.close().then(() => disconnect(db))
      return closing
    },
  }
}

/** The writer, with what the tables keep in memory tied to its transactions. */
export const groupWriter = (db: Database, { counters, destinations, messages, scopes }: Tables, undo: Undo): Writer =>
  createWriter(db, {
    undo,
    beforeCommit: () => {
      scopes.flush()
      counters.flush()
    },
    forget: () => {
      scopes.forget()
      counters.forget()
      destinations.forget()
      messages.forget()
    },
  })

const refusingWriter: Writer = {
  write: () => Promise.reject(new Fault('store', 'the store is open for reading only')),
  close: () => Promise.resolve(),
}

const countsOf = ({ counters, receipts, scopes }: Tables): StoreCounts => {
  const kept = counters.all()
  const states = DELIVERY_STATES.map((state) => [state, kept.get(`delivery:${state}`) ?? 0] as const)
  return {
    strands: kept.get('strands') ?? 0,
    deliveries: Object.fromEntries(states) as Record<DeliveryState, number>,
    receiptsOwed: receipts.count(),
    scopes: scopes.all(),
  }
}
