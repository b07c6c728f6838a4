import type { UnixSec } from '../../src/core/types.js'
import { inBatches } from './batch.js'
import type { EventStore } from '../store/store.js'
import type { Incoming, Outcome } from '../store/store-write.js'

/** One transaction. Bounded, so that a commit never holds up the event loop for long. */
export const MAX_EVENTS_PER_COMMIT = 500

/**
 * Group commit: everything that was verified since the last commit shares one transaction and one fsync. Resolves when it
 * is on the disk; rejects when the disk failed, and then nothing of that transaction was written.
 */
export const writeStage = (
  store: Pick<EventStore, 'write'>,
  now: () => UnixSec,
): ((incoming: Incoming) => Promise<Outcome>) => inBatches(MAX_EVENTS_PER_COMMIT, (items) => store.write(items, now()))
