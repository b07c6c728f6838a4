import type { NostrEvent } from '../../src/core/types.js'
import { openCeilingStore } from './relay-ceiling-store.js'
import { FILL_BATCH, storedEvents } from './relay-fill.js'
import type { FillTask } from './relay-fill.js'
import { sayResult } from './relay-workplace.js'

/** Fills a database of the ceiling probe with the same events as ours. */
export const run = ({ db, rows }: FillTask): Promise<void> => {
  const store = openCeilingStore(db)
  let batch: NostrEvent[] = []
  for (const event of storedEvents(rows)) {
    if (batch.push(event) < FILL_BATCH) continue
    store.write(batch)
    batch = []
  }
  store.write(batch)
  store.close()
  sayResult({ rows })
  return Promise.resolve()
}
