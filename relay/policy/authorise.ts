import type { Filter } from '../../src/core/match.js'
import type { NostrEvent } from '../../src/core/types.js'
import type { Reason } from '../session/answers.js'
import type { Policy, ReadRule } from './policy.js'
import type { Viewer } from '../session/session.js'

/**
 * Who may read what: the one place that is asked on every road out, stored and live, COUNT and NEG. A rule that throws
 * refuses: policy fails closed.
 */
export const mayRead = (policy: Policy, viewer: Viewer, event: NostrEvent): boolean => {
  try {
    return policy.read.every((rule) => rule(viewer, event))
  } catch {
    return false
  }
}

/** What `mayRead` will say of every event of a kind, where that is certain without looking at one. */
export const mayReadKind = (policy: Policy, viewer: Viewer, kind: number): boolean | undefined => {
  try {
    const answers = policy.read.map((rule: ReadRule) => rule.byKind?.(viewer, kind))
    if (answers.includes(false)) return false
    return answers.includes(undefined) ? undefined : true
  } catch {
    return false
  }
}

/** Whether a question is answered at all. */
export const refuseAsk = (policy: Policy, viewer: Viewer, filters: readonly Filter[]): Reason | undefined => {
  try {
    for (const rule of policy.ask ?? []) {
      const reason = rule(viewer, filters)
      if (reason !== undefined) return reason
    }
    return undefined
  } catch {
    return 'error: the policy of this relay failed'
  }
}
