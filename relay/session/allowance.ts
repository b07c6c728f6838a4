import type { UnixSec } from '../../src/core/types.js'
import type { RelayLimits } from '../limits.js'
import type { Reason } from './answers.js'
import { openRates } from './rate.js'
import type { Rates } from './rate.js'
import type { Action, Viewer } from './session.js'

/** How often one connection, and one key on all of its connections, may ask. */
export interface Allowance {
  /** Why it may not, this time. */
  refuse(asked: Action['do']): Reason | undefined
}

export const openAllowance = (
  limits: Pick<RelayLimits, 'maxReqsPerSec' | 'maxCountsPerSec' | 'maxSyncsPerSec' | 'maxAuthsPerSec'>,
  viewer: Viewer,
  ofKeys: Rates,
  now: () => UnixSec,
): Allowance => {
  const rate = (perSecond: number): Rates => openRates(perSecond, 1, now)
  const asks: Readonly<Partial<Record<Action['do'], Rates>>> = {
    subscribe: rate(limits.maxReqsPerSec),
    count: rate(limits.maxCountsPerSec),
    sync: rate(limits.maxSyncsPerSec),
  }
  const auths = rate(limits.maxAuthsPerSec)

  return {
    refuse: (asked) => {
      if (asked === 'authenticate') return auths.take('') ? undefined : TOO_OFTEN
      const own = asks[asked]
      if (own === undefined) return undefined
      if (!own.take('')) return TOO_OFTEN
      // Each of them asks: nobody gets more by bringing several keys.
      for (const key of viewer.keys) if (!ofKeys.take(key)) return TOO_OFTEN_OF_KEY
      return undefined
    },
  }
}

const TOO_OFTEN: Reason = 'rate-limited: too often on this connection; try again later'
const TOO_OFTEN_OF_KEY: Reason = 'rate-limited: too often by this key; try again later'
