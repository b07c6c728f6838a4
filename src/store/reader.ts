import type { Database } from 'better-sqlite3'
import type { View } from '../core/decision.js'
import type { BraidReader } from '../ports.js'
import { createExport } from './export.js'
import { createFind } from './find.js'
import { createInbox } from './inbox.js'
import { createLinearOrder } from './linear-order.js'
import { createLog } from './log.js'
import { createOutbox } from './outbox.js'
import { createShow } from './show.js'
import { createStrandLines } from './strand-lines.js'
import type { Tables } from './tables.js'
import { createVerify } from './verify.js'

/** The braid as people read it; works on a read-only connection too. */
export const createReader = (db: Database, tables: Tables, view: View): BraidReader => {
  const lines = createStrandLines(db)
  const outbox = createOutbox(db, tables.destinations)
  return {
    ...createLog(db, tables, lines),
    linearOrder: createLinearOrder(db, tables.scopes),
    ...createFind(db),
    ...createShow(db, tables, view, lines, outbox),
    ...createVerify(db, tables.scopes, tables.counters),
    ...createInbox(db, tables.deliveries),
    deliveries: outbox.deliveries,
    ...createExport(db, tables.scopes),
  }
}
