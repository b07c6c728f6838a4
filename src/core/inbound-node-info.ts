import type { Decision, PeerInfo, View } from './decision.js'
import type { NodeInfo } from './envelope-types.js'
import { tagValue } from './event.js'
import type { Carried, InboundContext } from './inbound.js'
import { checkNodeInfo } from './nodeinfo.js'
import { rememberRefusal, type Refusal } from './refusal.js'
import { toSec, type UnixSec } from './types.js'

/** A node-info dated further ahead than this is not believed yet (wire.md 2.5). */
const MAX_AHEAD_SEC = 300

/**
 * A ksp-service event (wire.md 2.5, 5). Those of strangers are kept too, in a bounded table, so that an operator can see
 * who is there and approve them; being listed gives no right. No receipt, whatever comes of it.
 */
export const decideNodeInfo = (carried: Carried, info: NodeInfo, view: View, ctx: InboundContext): Decision => {
  const { event } = carried
  const no = (refusal: Refusal): Decision => {
    const remember = rememberRefusal(refusal.code)
    if (remember === 'not') return { refusal }
    const mark = {
      id: event.id,
      code: refusal.code,
      ...(remember === 'generation' ? { generation: ctx.generation } : {}),
    }
    return { refusal, marks: [mark] }
  }

  const shape = checkNodeInfo(event, info)
  if (!shape.ok) return no(shape.refusal)
  if (event.pubkey === ctx.roster.me) return { marks: [{ id: event.id }] }
  if (event.created_at > toSec(ctx.now) + MAX_AHEAD_SEC) {
    return no({ code: 'not-yet-valid', message: 'a node-info from the future' })
  }

  const key = event.pubkey
  const owner = ctx.roster.keyOf(info.id) ?? view.pinned(info.id)
  if (owner !== undefined && owner !== key) {
    return no({ code: 'id-conflict', message: `Herm id ${info.id} belongs to another key, ${key} claims it` })
  }
  const pinnedAs = ctx.roster.hermOf(key)
  if (pinnedAs !== undefined && pinnedAs !== info.id) {
    return no({ code: 'id-conflict', message: `${key} is pinned as ${pinnedAs} and claims ${info.id}` })
  }

  const present = view.peer(key)
  if (present !== undefined && isOlder(event.created_at, event.id, present)) return { marks: [{ id: event.id }] }

  const expiration = Number(tagValue(event, 'expiration'))
  const peer: PeerInfo = {
    key,
    info,
    createdAt: event.created_at,
    ...(Number.isSafeInteger(expiration) && expiration > 0 ? { expiresAt: expiration as UnixSec } : {}),
    event: event.id,
    relay: carried.relay,
    seenAt: ctx.now,
  }
  return {
    peer,
    marks: [{ id: event.id }],
    ...(ctx.roster.mayPin(info.id, key) ? { pin: { id: info.id, key } } : {}),
  }
}

/** The highest created_at wins; on a tie the lowest id, as relays hold it for addressable events (NIP-01). */
const isOlder = (createdAt: UnixSec, id: string, present: PeerInfo): boolean =>
  createdAt < present.createdAt || (createdAt === present.createdAt && id >= present.event)
