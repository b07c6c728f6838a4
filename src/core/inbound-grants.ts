import type { Txxm } from './envelope-types.js'
import type { Carried, InboundContext } from './inbound.js'
import { korServes, normalKor } from './kor.js'
import { actionAllowed, type Roster } from './peers.js'
import { refuse, type Refusal, type Result } from './refusal.js'
import type { HermId, KorName, Pubkey } from './types.js'

export const untrusted = (key: Pubkey): Refusal => ({ code: 'untrusted-sender', message: `${key} is not trusted here` })

/** Author trusted -> audience or KOR -> grants. */
export const mayCome = (author: Pubkey, carried: Carried, body: Txxm, ctx: InboundContext): Result<true> => {
  const { roster } = ctx
  if (author === roster.me) return refuse('not-addressed', 'we wrote it ourselves')
  const standing = roster.standing(author)
  if (!standing.trusted) return { ok: false, refusal: untrusted(author) }
  // The transport has looked at the carrier already; the rule is the contract's (wire.md 6), so it is held here as well.
  if (!roster.standing(carried.carrier).trusted) return { ok: false, refusal: untrusted(carried.carrier) }

  if (body.audience !== undefined) {
    if (!body.audience.includes(roster.me)) return refuse('not-addressed', 'we are not in its audience')
  } else if (carried.toUs && body.sender !== undefined) {
    // Routed to us by name: it must be a name that we serve. (Without a sender it is an older Herm's, addressed by `p`.)
    if (!ctx.korNamespaces.some((own) => korServes(own, body.target_kor))) {
      return refuse('not-addressed', `${body.target_kor} is not served here`)
    }
  }

  const source = sourceAllowed(author, body.source_kor, standing.kor, roster)
  if (!source.ok) return source
  if (!actionAllowed(standing.actions, body.action)) {
    return refuse('forbidden-action', `${body.action} is not granted to its author`)
  }
  return { ok: true, value: true }
}

/** `source_kor` = herm or agent of the author, then a namespace it was granted, where grants are given (wire.md 5). */
const sourceAllowed = (
  author: Pubkey,
  sourceKor: string,
  granted: readonly KorName[] | undefined,
  roster: Roster,
): Result<true> => {
  const source = normalKor(sourceKor)
  if (source === undefined) return refuse('forbidden-kor', 'source_kor is no KOR name')
  const dot = source.indexOf('.')
  const label = dot < 0 ? source : source.slice(0, dot)
  const namespace = dot < 0 ? undefined : source.slice(dot + 1)

  // Its agents are what its own node-info says, so a peer could name another Herm among them and speak as that one.
  const owner = roster.keyOf(label as HermId)
  if (owner !== undefined && owner !== author) return refuse('forbidden-kor', `${label} is another Herm's id`)
  const hermId = roster.hermOf(author)
  // Without one its node-info has not reached us yet: refusing for good would lose the message.
  if (hermId !== undefined && label !== hermId) {
    const agents = roster.infoOf(author)?.info.agents ?? []
    if (!agents.includes(label)) {
      return refuse('forbidden-kor', `${label} is neither its author's Herm id nor one of its agents`)
    }
  }
  if (granted !== undefined && !granted.some((g) => namespace !== undefined && korServes(g, namespace))) {
    return refuse('forbidden-kor', `namespace ${namespace ?? '(none)'} is not granted to its author`)
  }
  return { ok: true, value: true }
}
