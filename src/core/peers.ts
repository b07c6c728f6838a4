import type { PeerInfo } from './decision.js'
import { korServes, longestKor } from './kor.js'
import type { HermId, KorName, Pubkey, UnixMs } from './types.js'
import { toMs } from './types.js'

/**
 * Who is who, and what each may do (wire.md 5): the configuration, the operator's approvals, the pins and the newest
 * node-infos, folded into one frozen view. It is made anew when one of them changes, and read by both `decide` functions.
 */

export type TrustMode = 'allowlist' | 'tofu' | 'open'

/** A peer as the configuration names it. A key alone: it may send to us as itself and attracts no KOR traffic. */
export interface PeerRule {
  readonly key?: Pubkey
  readonly id?: HermId
  readonly kor?: readonly KorName[]
  /** Exact names, or a prefix that ends in `*`. */
  readonly actions?: readonly string[]
  readonly agents?: readonly string[]
}

export interface RosterInput {
  readonly me: Pubkey
  readonly myId: HermId
  readonly mode: TrustMode
  readonly rules: readonly PeerRule[]
  readonly grants: readonly { readonly key: Pubkey; readonly verdict: 'approved' | 'blocked'; readonly id?: HermId }[]
  readonly pins: readonly { readonly id: HermId; readonly key: Pubkey }[]
  readonly infos: readonly PeerInfo[]
}

export type TrustReason = 'config' | 'approved' | 'tofu' | 'open' | 'blocked' | 'unknown'

export interface Standing {
  readonly trusted: boolean
  readonly why: TrustReason
  /** `open` peers get neither receipts nor grants, and a tenth of the rate limits. */
  readonly receipts: boolean
  readonly hermId?: HermId
  readonly kor?: readonly KorName[]
  readonly actions?: readonly string[]
  readonly agents?: readonly string[]
}

export interface Roster {
  readonly me: Pubkey
  readonly myId: HermId
  standing(key: Pubkey): Standing
  /** Keys whose events are asked for by author. Never ours. */
  trustedKeys(): readonly Pubkey[]
  hermOf(key: Pubkey): HermId | undefined
  /** The key an id is pinned to; ours for our own id. */
  keyOf(id: HermId): Pubkey | undefined
  infoOf(key: Pubkey): PeerInfo | undefined
  /** Its node-info has not run out and does not say `offline`. */
  isFresh(key: Pubkey, now: UnixMs): boolean
  /** Trusted peers that serve a KOR name by the longest suffix that they advertise and are granted; ties all. */
  servers(target: string): Pubkey[]
  /** May a key that nobody has pinned yet take this id? Only where the operator has named it (tofu). */
  mayPin(id: HermId, key: Pubkey): boolean
}

/** A node-info without an expiration is believed for this long. */
const DEFAULT_FRESH_MS = 2 * 60 * 60 * 1000

export const makeRoster = (input: RosterInput): Roster => {
  const rules = new Map<Pubkey, PeerRule>()
  const namedIds = new Set<HermId>()
  const keyById = new Map<HermId, Pubkey>([[input.myId, input.me]])
  const idByKey = new Map<Pubkey, HermId>([[input.me, input.myId]])
  const pin = (id: HermId, key: Pubkey): void => {
    if (keyById.has(id) || idByKey.has(key)) return
    keyById.set(id, key)
    idByKey.set(key, id)
  }

  // The configuration pins first, then the operator, then what was seen first.
  for (const rule of input.rules) {
    if (rule.key !== undefined) rules.set(rule.key, rule)
    if (rule.id === undefined) continue
    if (rule.key === undefined) namedIds.add(rule.id)
    else pin(rule.id, rule.key)
  }
  const verdicts = new Map(input.grants.map((g) => [g.key, g.verdict]))
  for (const grant of input.grants) {
    if (grant.verdict === 'approved' && grant.id !== undefined) pin(grant.id, grant.key)
  }
  for (const p of input.pins) pin(p.id, p.key)

  const infos = new Map(input.infos.map((i) => [i.key, i]))
  const rulesById = new Map(input.rules.filter((r) => r.key === undefined && r.id !== undefined).map((r) => [r.id, r]))

  const ruleOf = (key: Pubkey): PeerRule | undefined => {
    const own = rules.get(key)
    if (own !== undefined) return own
    const id = idByKey.get(key)
    return id !== undefined && input.mode === 'tofu' ? rulesById.get(id) : undefined
  }

  const whyOf = (key: Pubkey): TrustReason => {
    if (verdicts.get(key) === 'blocked') return 'blocked'
    if (rules.has(key)) return 'config'
    if (verdicts.get(key) === 'approved') return 'approved'
    const id = idByKey.get(key)
    if (input.mode === 'tofu' && id !== undefined && namedIds.has(id)) return 'tofu'
    return input.mode === 'open' ? 'open' : 'unknown'
  }

  const standing = (key: Pubkey): Standing => {
    const why = whyOf(key)
    const trusted = why !== 'blocked' && why !== 'unknown'
    const known = trusted && why !== 'open'
    const rule = known ? ruleOf(key) : undefined
    const hermId = idByKey.get(key)
    return {
      trusted,
      why,
      receipts: known,
      ...(hermId === undefined ? {} : { hermId }),
      ...(rule?.kor === undefined ? {} : { kor: rule.kor }),
      ...(rule?.actions === undefined ? {} : { actions: rule.actions }),
      ...(rule?.agents === undefined ? {} : { agents: rule.agents }),
    }
  }

  const trustedKeys = [...new Set([...rules.keys(), ...verdicts.keys(), ...idByKey.keys()])].filter(
    (key) => key !== input.me && standing(key).receipts,
  )

  // Attracting KOR traffic takes both: the peer says it serves the name, and the operator has granted it.
  const attracting = trustedKeys.flatMap((key) => {
    const granted = standing(key).kor ?? []
    const advertised = infos.get(key)?.info.kor_namespaces ?? []
    return advertised
      .filter((name) => granted.some((g) => korServes(g, name)))
      .map((name) => ({ kor: name, value: key }))
  })

  return {
    me: input.me,
    myId: input.myId,
    standing,
    trustedKeys: () => trustedKeys,
    hermOf: (key) => idByKey.get(key),
    keyOf: (id) => keyById.get(id),
    infoOf: (key) => infos.get(key),
    isFresh: (key, now) => {
      const peer = infos.get(key)
      if (peer === undefined || peer.info.status === 'offline') return false
      return peer.expiresAt === undefined ? now - toMs(peer.createdAt) < DEFAULT_FRESH_MS : toMs(peer.expiresAt) > now
    },
    servers: (target) => [...new Set(longestKor(target, attracting))],
    mayPin: (id, key) => {
      if (keyById.has(id) || idByKey.has(key)) return false
      return standing(key).receipts || (input.mode === 'tofu' && namedIds.has(id) && verdicts.get(key) !== 'blocked')
    },
  }
}

/** Does a granted pattern cover an action? `*` stands only at the end (`room.*`), or alone. */
export const actionAllowed = (patterns: readonly string[] | undefined, action: string): boolean =>
  patterns === undefined || patterns.some((p) => (p.endsWith('*') ? action.startsWith(p.slice(0, -1)) : action === p))
