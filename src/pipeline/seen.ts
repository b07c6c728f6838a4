import type { EventId } from '../core/types.js'
import type { View } from '../core/decision.js'

/** Which of these events need not be looked at again under the configuration of this generation (wire.md 6). */
export const seenAmong = (ids: readonly EventId[], view: Pick<View, 'mark'>, generation: number): Set<EventId> =>
  new Set(
    ids.filter((id) => {
      const known = view.mark(id)
      return known !== undefined && (known.generation === undefined || known.generation === generation)
    }),
  )
