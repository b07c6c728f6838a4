import type { UnixSec } from '../../src/core/types.js'
import type { Meters } from '../ops/meters.js'
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
  store: Pick<EventStore, 'commit'>,
  now: () => UnixSec,
  meters?: Meters['commit'],
): ((incoming: Incoming) => Promise<Outcome>) =>
  inBatches(
    MAX_EVENTS_PER_COMMIT,
    (items) => measured(meters, items.length, () => store.commit(items, now())),
    ({ event }) => 1 + Math.floor(event.tags.length / TAGS_LIKE_AN_EVENT),
  )

/** Each tag is an entry of the index, and in a deletion a tombstone: events of many tags share a commit with fewer others. */
const TAGS_LIKE_AN_EVENT = 10

const measured = async <T>(
  meters: Meters['commit'] | undefined,
  items: number,
  commit: () => Promise<T>,
): Promise<T> => {
  if (meters === undefined) return commit()
  const began = performance.now()
  try {
    const outcome = await commit()
    meters.batch.observe(items)
    meters.seconds.observe((performance.now() - began) / 1_000)
    return outcome
  } catch (error) {
    meters.failed++
    throw error
  }
}
