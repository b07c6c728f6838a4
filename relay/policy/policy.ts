import { eventId } from '../../src/core/event.js'
import type { Hashes } from '../../src/core/hashes.js'
import type { Filter } from '../../src/core/match.js'
import type { NostrEvent, UnixSec } from '../../src/core/types.js'
import type { Reason } from '../session/answers.js'
import { askedByReadersOnly, enoughWork, kapnetWritersOnly, readByReadersOnly, writersOnly } from './access.js'
import type { Keys } from './access.js'
import { expirationOf, isExpired } from '../events/expiration.js'
import { classOf, CLIENT_AUTH, DELETION, VANISH } from '../events/kind-class.js'
import type { RelayLimits } from '../limits.js'
import { notModerated } from './moderated.js'
import { readByRecipientOnly, sayWhatIsPrivate } from './private-kinds.js'
import { fromItsAuthorOnly, noProtectedRepost } from './protected.js'
import type { Viewer } from '../session/session.js'
import type { Moderation } from '../store/moderation.js'
import { vanishFromHere } from './vanish.js'

/**
 * What may be written and what may be read, as ordered lists of plain functions. The first one that objects is the answer.
 * Write rules run before the signature is checked, so they are cheap ones. A rule that throws refuses: policy fails closed.
 */
export interface WriteContext {
  readonly viewer: Viewer
  readonly now: UnixSec
}
/** Undefined: no objection. */
export type WriteRule = (event: NostrEvent, context: WriteContext) => Reason | undefined
/** Asked of every event on every road by which it could leave (authorise.ts). */
export interface ReadRule {
  (viewer: Viewer, event: NostrEvent): boolean
  /** The same answer where the kind alone gives it, so that the event need not be looked at; undefined where it does not. */
  readonly byKind?: (viewer: Viewer, kind: number) => boolean | undefined
}
/** Asked once of every REQ, COUNT and NEG-OPEN: whether it is answered at all. */
export type AskRule = (viewer: Viewer, filters: readonly Filter[]) => Reason | undefined

export interface Policy {
  readonly write: readonly WriteRule[]
  readonly ask?: readonly AskRule[]
  readonly read: readonly ReadRule[]
}

export const refuseWrite = (policy: Policy, event: NostrEvent, context: WriteContext): Reason | undefined => {
  try {
    for (const rule of policy.write) {
      const reason = rule(event, context)
      if (reason !== undefined) return reason
    }
    return undefined
  } catch {
    return 'error: the policy of this relay failed'
  }
}

/** What an operator may ask for on top. */
export interface Access {
  readonly writers?: Keys
  readonly readers?: Keys
  /** Of kinds 30000 to 30599. */
  readonly kapnetWriters?: Keys
  /** Whether a normalised URL is this relay's. Default: none is. */
  readonly isOurs?: (url: string) => boolean
  /** Leading zero bits of an id. */
  readonly minPow?: number
  /** NIP-86: what admins banned. Absent: nothing. */
  readonly moderation?: Pick<Moderation, 'has'>
}

/** The opinionated default, in this order. */
export const defaultPolicy = (
  limits: Pick<RelayLimits, 'maxEventTags' | 'maxContentChars' | 'maxFutureSec'>,
  hashes: Hashes,
  access: Access = {},
): Policy => {
  const { writers, readers, kapnetWriters, isOurs = () => false, minPow = 0, moderation } = access
  return {
    write: [
      fewTags(limits.maxEventTags),
      shortContent(limits.maxContentChars),
      notFromTheFuture(limits.maxFutureSec),
      notAnAuthEvent,
      fromItsAuthorOnly,
      noProtectedRepost,
      vanishFromHere(isOurs),
      notExpired,
      ...(moderation === undefined ? [] : [notModerated(moderation)]),
      ...(writers === undefined ? [] : [writersOnly(writers)]),
      ...(kapnetWriters === undefined ? [] : [kapnetWritersOnly(kapnetWriters)]),
      ...(minPow === 0 ? [] : [enoughWork(minPow)]),
      idIsRight(hashes),
    ],
    ask: [...(readers === undefined ? [] : [askedByReadersOnly(readers)]), sayWhatIsPrivate],
    read: [...(readers === undefined ? [] : [readByReadersOnly(readers)]), readByRecipientOnly],
  }
}

export const fewTags =
  (maxEventTags: number): WriteRule =>
  (event) =>
    event.tags.length > maxEventTags ? `invalid: at most ${maxEventTags} tags` : undefined

export const shortContent =
  (maxContentChars: number): WriteRule =>
  ({ content }) => {
    // A character is at most two units long, so most contents need no counting.
    if (content.length <= maxContentChars) return undefined
    let chars = 0
    for (const char of content) if (char !== '' && ++chars > maxContentChars) break
    return chars > maxContentChars ? `invalid: at most ${maxContentChars} characters in content` : undefined
  }

export const notFromTheFuture =
  (maxFutureSec: number): WriteRule =>
  (event, { now }) =>
    event.created_at > now + maxFutureSec
      ? `invalid: created_at is more than ${maxFutureSec} s ahead of this relay's clock`
      : undefined

export const notAnAuthEvent: WriteRule = (event) =>
  event.kind === CLIENT_AUTH ? `invalid: kind ${CLIENT_AUTH} is for AUTH only` : undefined

/**
 * NIP-40. Only for what says nothing of other events. A replaceable event or a deletion that has expired still replaces or
 * deletes, whenever it arrives, or the final state would depend on the order of arrival: the store decides on those.
 */
export const notExpired: WriteRule = (event, { now }) =>
  hasNoEffect(event.kind) && isExpired(expirationOf(event), now) ? EXPIRED : undefined

export const EXPIRED: Reason = 'invalid: the event has expired'

const hasNoEffect = (kind: number): boolean => {
  const kindClass = classOf(kind)
  return kindClass === 'ephemeral' || (kindClass === 'regular' && kind !== DELETION && kind !== VANISH)
}

export const idIsRight =
  (hashes: Hashes): WriteRule =>
  (event) =>
    eventId(event, hashes) === event.id ? undefined : 'invalid: id is not the hash of the event'
