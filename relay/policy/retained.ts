import type { Reason } from '../session/answers.js'
import type { Retention, RetentionRefusal } from '../store/retention.js'
import type { WriteRule } from './policy.js'

/** What the relay would take away again is not taken in: it would come back for ever, and no comparison would ever end. */
export const withinRetention =
  (retention: Retention): WriteRule =>
  (event, { now }) => {
    const refusal = retention.refuses(event.kind, event.created_at, now)
    return refusal === undefined ? undefined : reasonFor(refusal, event.kind)
  }

const reasonFor = (refusal: RetentionRefusal, kind: number): Reason => {
  switch (refusal.why) {
    case 'too-old':
      return `blocked: this relay keeps events of kind ${kind} for ${refusal.maxAgeSec} s only`
    case 'no-room':
      return `blocked: this relay has no room any more for events of kind ${kind} up to created_at ${refusal.since}`
    case 'full':
      return 'rate-limited: this relay makes room; try again later'
  }
}
