import { reasonOf } from '../core/fault.js'
import type { EventId, NostrEvent, RelayUrl } from '../core/types.js'
import type { RelayAnswer } from '../ports.js'

/** Publishes events to relays and believes none of them: what was accepted is asked for again. */

export interface PublishRow {
  readonly relay: RelayUrl
  readonly kind: number
  readonly id: EventId
  readonly accepted: boolean
  /** The relay's own words, or what failed on the way. */
  readonly message: string
  /** The relay gave the very event back. */
  readonly readBack: boolean
}

/** How to reach a relay; comes in, since connecting is another room's work. */
export interface RelayAccess {
  /** The answers in the order of the events. Rejects where the relay can't be reached. */
  publish(relay: RelayUrl, events: readonly NostrEvent[]): Promise<readonly RelayAnswer[]>
  /** Those of the ids that the relay has. Rejects where the relay can't be reached. */
  fetch(relay: RelayUrl, ids: readonly EventId[]): Promise<readonly NostrEvent[]>
}

/** A relay answers a filter of more ids than this with a refusal, or with a part. */
const MAX_IDS = 50

/** One row for each relay and event, in that order. Never rejects: a relay that is away is a row that says so. */
export const publishEvents = async (
  events: readonly NostrEvent[],
  relays: readonly RelayUrl[],
  access: RelayAccess,
): Promise<PublishRow[]> => {
  const rows = await Promise.all(relays.map((relay) => publishTo(relay, events, access)))
  return rows.flat()
}

const publishTo = async (
  relay: RelayUrl,
  events: readonly NostrEvent[],
  access: RelayAccess,
): Promise<PublishRow[]> => {
  let answers: readonly RelayAnswer[]
  try {
    answers = await access.publish(relay, events)
  } catch (error) {
    answers = events.map(() => ({ relay, ok: false, message: reasonOf(error) }))
  }
  const accepted = events.filter((_, i) => answers[i]?.ok === true).map((event) => event.id)
  const had = new Set<string>()
  for (let i = 0; i < accepted.length; i += MAX_IDS) {
    try {
      for (const event of await access.fetch(relay, accepted.slice(i, i + MAX_IDS))) had.add(event.id)
    } catch {
      // Told by readBack: false. Whether the relay has it is not known.
      break
    }
  }
  return events.map((event, i) => ({
    relay,
    kind: event.kind,
    id: event.id,
    accepted: answers[i]?.ok ?? false,
    message: (answers[i]?.message ?? 'no answer').slice(0, 200),
    readBack: had.has(event.id),
  }))
}
