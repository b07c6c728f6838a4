import type { View } from '../core/decision.js'
import type { EventId } from '../core/types.js'

/** Which events need not be looked at again under the configuration of this generation (wire.md 6). */
export interface Seen {
  among(ids: readonly EventId[]): Set<EventId>
  /** A stranger's: remembered in memory alone. A mark is kept for ever, so nobody whom we don't trust may cause one. */
  ofStranger(id: EventId): void
}

/** The oldest are forgotten first, and looked at once more when a relay brings them again. */
const MAX_OF_STRANGERS = 20_000

export const createSeen = (view: Pick<View, 'mark'>, generation: () => number): Seen => {
  let strangers = new Set<EventId>()
  let ofGeneration = generation()
  /** What a stranger wrote may count when the operator has approved it. */
  const current = (): Set<EventId> => {
    if (ofGeneration !== generation()) {
      ofGeneration = generation()
      strangers = new Set()
    }
    return strangers
  }
  const isMarked = (id: EventId): boolean => {
    const known = view.mark(id)
    return known !== undefined && (known.generation === undefined || known.generation === generation())
  }
  return {
    among: (ids) => {
      const others = current()
      return new Set(ids.filter((id) => others.has(id) || isMarked(id)))
    },
    ofStranger: (id) => {
      const others = current()
      others.add(id)
      const oldest = others.size > MAX_OF_STRANGERS ? others.values().next() : undefined
      if (oldest?.done === false) others.delete(oldest.value)
    },
  }
}
