import type { Filter } from '../../src/core/match.js'
import type { NostrEvent, UnixSec } from '../../src/core/types.js'
import { mayRead, mayReadKind, refuseAsk } from '../policy/authorise.js'
import type { Policy } from '../policy/policy.js'
import type { ScanOptions } from '../store/scan.js'
import type { Reason } from './answers.js'
import type { Viewer } from './session.js'

/** What one connection may see: the policy, asked for whoever is authenticated at that moment. */
export interface View {
  refuse(filters: readonly Filter[]): Reason | undefined
  mayRead(event: NostrEvent): boolean
  scanOptions(): Omit<ScanOptions, 'upToSeq' | 'maxLimit'>
}

export const openView = (policy: Policy, viewer: Viewer, now: () => UnixSec): View => {
  const view: View = {
    refuse: (filters) => refuseAsk(policy, viewer, filters),
    mayRead: (event) => mayRead(policy, viewer, event),
    scanOptions: () => ({
      now,
      ...(policy.read.length === 0
        ? {}
        : { mayRead: view.mayRead, mayReadKind: (kind: number) => mayReadKind(policy, viewer, kind) }),
    }),
  }
  return view
}
