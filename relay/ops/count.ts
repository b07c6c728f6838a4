import type { Reason, Verdict } from '../session/answers.js'
import type { Action, Judged } from '../session/session.js'
import type { Ask, Meters, RefusalPrefix } from './meters.js'

/** What a connection adds to the meters, in a word each, so that it says nothing of how they are kept. */

/** Of each action, the question that it is. */
const COUNTED_AS: Readonly<Partial<Record<Action['do'], Ask>>> = {
  subscribe: 'req',
  count: 'count',
  sync: 'neg',
  'sync-on': 'neg',
  authenticate: 'auth',
}

export const countAction = (meters: Meters, action: Action['do']): void => {
  if (action === 'publish') meters.events.received++
  // The session answers by itself only what it refuses.
  else if (action === 'send') meters.messages.refused++
  else {
    const ask = COUNTED_AS[action]
    if (ask !== undefined) meters.asks[ask].received++
  }
}

export const countVerdict = (meters: Meters, asked: Judged['do'], { accepted, reason }: Verdict): void => {
  if (asked === 'authenticate') {
    if (!accepted && reason !== '') countRefusal(meters.asks.auth.refused, reason)
  } else if (!accepted) {
    if (reason !== '') countRefusal(meters.events.refused, reason)
  } else if (reason.startsWith('duplicate:')) meters.events.duplicates++
  else meters.events.accepted++
}

/** By the prefix of its reason: all that a metric may know of it. */
export const countRefusal = (refused: Record<RefusalPrefix, number>, reason: Reason | `closed: ${string}`): void => {
  const prefix = reason.slice(0, reason.indexOf(':'))
  if (Object.hasOwn(refused, prefix)) refused[prefix as RefusalPrefix]++
}
