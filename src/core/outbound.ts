import { canonical, MAX_JSON_DEPTH, parseJson } from './canonical.js'
import { isDeeper } from './depth.js'
import type { Decision, Owed, Scope } from './decision.js'
import { pairScope } from './decision.js'
import { checkBody } from './envelope.js'
import type { Attestation, Dependency, Txxm } from './envelope-types.js'
import type { Hashes } from './hashes.js'
import { strandOf } from './strand.js'
import { utf8Length } from './text.js'
import { normalKor } from './kor.js'
import type { Roster } from './peers.js'
import { ok, refuse, type Result } from './refusal.js'
import type { Destination, HermId, JsonObject, KorName, MessageId, PortName, Pubkey, UnixMs, UnixSec } from './types.js'
import { toMs, toSec } from './types.js'

/**
 * The sender: from what a local caller wants to a message that is complete and hashed, and then to the Decision that
 * stores it with what is owed. Two steps, because a signer may be another process: prepare, sign the attestation, decide.
 */

/** A local order for a TXXM to be made: the bridge adds sender, nonce, audience, created_at and parents. */
export interface NewOrder {
  readonly kind: 'new'
  readonly to: readonly (Pubkey | HermId)[]
  readonly kor?: string
  readonly type: string
  readonly action: string
  readonly sourceKor?: string
  readonly payload: JsonObject
  readonly public: boolean
  /** Leaves out the attestation, so that nobody else can be shown who wrote it. */
  readonly deniable: boolean
  readonly validUntil?: UnixSec
  readonly requestReceipt?: boolean
}

/** A TXXM that a local daemon made: its body is never changed; routed by its audience or `target_kor`. */
export interface MadeOrder {
  readonly kind: 'made'
  readonly id: MessageId
  readonly body: JsonObject
}

export interface OutboundContext {
  readonly now: UnixMs
  readonly roster: Roster
  readonly korNamespaces: readonly KorName[]
  readonly ports: readonly PortName[]
  readonly maxEnvelopeBytes: number
  /** What fits an encrypted road at once (NIP-44: 65,535 bytes). */
  readonly maxSealedBytes: number
  readonly outboxMaxAgeMs: number
  /** A random u64 as a decimal string. */
  readonly nonce: string
  /** The tips that every receiver of this scope may see, newest first. */
  readonly tips: (scope: Scope) => readonly MessageId[]
}

/** A message that is whole but for its attestation. */
export interface Prepared {
  readonly id: MessageId
  readonly body: Txxm
  readonly bodyText: string
  readonly scopes: readonly Scope[]
  readonly destinations: readonly Destination[]
  readonly confidential: boolean
  readonly origin: 'cli' | 'kapnetd'
}

/** Envelope text around a body: type, version, sha256, attestation. Never more. */
const ENVELOPE_OVERHEAD_BYTES = 512
export const MAX_TIPS = 8

export const prepareNew = (order: NewOrder, ctx: OutboundContext, hashes: Hashes): Result<Prepared> => {
  const addressees = resolveAll(order.to, ctx)
  if (!addressees.ok) return addressees
  const audience = addressees.value
  const kor = order.kor === undefined ? undefined : normalKor(order.kor)
  if (order.kor !== undefined && kor === undefined) return refuse('bad-schema', `${order.kor} is no KOR name`)
  if (audience.length === 0 && kor === undefined)
    return refuse('bad-schema', 'neither an addressee nor a KOR name is given')

  const routed = audience.length > 0 ? ok(toAudience(audience, ctx)) : byKor(kor ?? '', order.public, ctx)
  if (!routed.ok) return routed
  const { scopes, destinations } = routed.value

  const dependencies = parentsFor(scopes, ctx)
  const body: Txxm = {
    type: order.type,
    action: order.action,
    target_kor: kor ?? targetOf(audience, ctx),
    source_kor: order.sourceKor ?? sourceOf(ctx),
    payload: order.payload,
    sender: ctx.roster.me,
    nonce: ctx.nonce,
    created_at: toSec(ctx.now),
    ...(audience.length === 0 ? {} : { audience }),
    ...(dependencies.length === 0 ? {} : { dependencies }),
    ...(order.validUntil === undefined ? {} : { valid_until: order.validUntil }),
    ...(order.requestReceipt === undefined ? {} : { request_receipt: order.requestReceipt }),
  }
  return hashed(body, { scopes, destinations, confidential: !order.public, origin: 'cli' }, ctx, hashes)
}

/** The daemon's own TXXM: to its audience, or to whoever serves its `target_kor`, now or later. Confidential. */
export const prepareMade = (order: MadeOrder, ctx: OutboundContext, hashes: Hashes): Result<Prepared> => {
  const shape = checkBody('txxm-envelope', order.body)
  if (!shape.ok) return shape
  const body = order.body as unknown as Txxm
  if (body.sender !== undefined && body.sender !== ctx.roster.me) {
    return refuse('bad-signature', `its sender is ${body.sender}, which is not the key of this Herm`)
  }
  const others = body.audience?.filter((key) => key !== ctx.roster.me)
  const peers = others ?? ctx.roster.servers(body.target_kor)
  const routed =
    peers.length > 0
      ? toAudience(peers, ctx)
      : { scopes: [], destinations: others === undefined ? [`kor:${body.target_kor.toLowerCase()}` as const] : [] }
  const made = hashed(body, { ...routed, confidential: true, origin: 'kapnetd' }, ctx, hashes)
  if (made.ok && made.value.id !== order.id)
    return refuse('bad-hash', `its id is ${made.value.id}, the daemon says ${order.id}`)
  return made
}

/** What is stored and owed. `attestation` is absent only where the order asked for deniability. */
export const decideOutbound = (
  prepared: Prepared,
  key: string,
  attestation: Attestation | undefined,
  known: { order: MessageId | undefined; message: boolean },
  ctx: OutboundContext,
): Decision => {
  if (known.order !== undefined) return { message: known.order, fresh: false }
  const orderKey = { key, message: prepared.id }
  if (known.message) return { message: prepared.id, fresh: false, orderKey }
  const { body } = prepared
  const byAge = (ctx.now + ctx.outboxMaxAgeMs) as UnixMs
  const expiresAt = body.valid_until === undefined || toMs(body.valid_until) > byAge ? byAge : toMs(body.valid_until)
  const owe = (to: Destination): Owed => ({
    message: prepared.id,
    to,
    dueAt: ctx.now,
    expiresAt: to.startsWith('port:') ? (Number.MAX_SAFE_INTEGER as UnixMs) : expiresAt,
    confidential: prepared.confidential,
  })
  // The local daemon holds what we send as well; what it made itself it has.
  const ports = prepared.origin === 'kapnetd' ? ctx.ports.filter((p) => p !== 'kapnetd') : ctx.ports
  return {
    message: prepared.id,
    fresh: true,
    orderKey,
    strand: {
      ...strandOf(prepared.id, ctx.roster.me, body, prepared.bodyText),
      ...(attestation === undefined ? {} : { attestation }),
      confidential: prepared.confidential,
      origin: prepared.origin,
      scopes: prepared.scopes,
    },
    owes: [...prepared.destinations.map(owe), ...ports.map((p) => owe(`port:${p}`))],
  }
}

interface Routed {
  readonly scopes: readonly Scope[]
  readonly destinations: readonly Destination[]
}

const toAudience = (peers: readonly Pubkey[], ctx: OutboundContext): Routed => ({
  scopes: peers.map((key) => pairScope(ctx.roster.me, key)),
  destinations: peers,
})

/** Without an audience: in the clear to everyone who reads us, or sealed to each Herm that serves the name. */
const byKor = (kor: string, clear: boolean, ctx: OutboundContext): Result<Routed> => {
  if (clear) return ok({ scopes: ['gossip'], destinations: ['gossip'] })
  const peers = ctx.roster.servers(kor)
  if (peers.length === 0) {
    return refuse('not-addressed', `no trusted peer that was granted it advertises ${kor}`)
  }
  return ok(toAudience(peers, ctx))
}

const resolveAll = (to: readonly (Pubkey | HermId)[], ctx: OutboundContext): Result<Pubkey[]> => {
  const keys = new Set<Pubkey>()
  for (const name of to) {
    const key = /^[0-9a-f]{64}$/.test(name) ? (name as Pubkey) : ctx.roster.keyOf(name as HermId)
    if (key === undefined) return refuse('not-addressed', `no trusted peer has the Herm id ${name}`)
    if (key === ctx.roster.me) return refuse('not-addressed', 'that is this Herm itself')
    // Its receipts would be refused, so nothing sent to it could ever be called delivered.
    if (!ctx.roster.standing(key).receipts) return refuse('untrusted-sender', `${name} is not a trusted peer`)
    keys.add(key)
  }
  if (keys.size > 32) return refuse('too-large', 'an audience holds at most 32 keys')
  return ok([...keys].sort())
}

const sourceOf = (ctx: OutboundContext): string => {
  const namespace = ctx.korNamespaces[0]
  return namespace === undefined ? ctx.roster.myId : `${ctx.roster.myId}.${namespace}`
}

/** An addressed message needs a target_kor too: its first addressee, by name. */
const targetOf = (audience: readonly Pubkey[], ctx: OutboundContext): string => {
  const first = audience[0]
  const peer = first === undefined ? undefined : ctx.roster.infoOf(first)
  const id = first === undefined ? undefined : ctx.roster.hermOf(first)
  const namespace = peer?.info.kor_namespaces[0] ?? ctx.korNamespaces[0]
  return [id, namespace].filter((part) => part !== undefined).join('.') || ctx.roster.myId
}

/** Parents that every receiver may see: the tips of the one scope, or of gossip where there are several. */
const parentsFor = (scopes: readonly Scope[], ctx: OutboundContext): Dependency[] => {
  const scope = scopes.length === 1 ? (scopes[0] ?? 'gossip') : 'gossip'
  return ctx
    .tips(scope)
    .slice(0, MAX_TIPS)
    .map((hash) => ({ kind: 'causal-parent', hash }))
}

const hashed = (
  body: Txxm,
  rest: Omit<Prepared, 'id' | 'body' | 'bodyText'>,
  ctx: OutboundContext,
  hashes: Hashes,
): Result<Prepared> => {
  // Before anything goes through all of it: the writer of JSON would run out of stack.
  if (isDeeper(body as unknown as JsonObject, MAX_JSON_DEPTH - 1)) {
    return refuse('bad-json', `it nests deeper than ${MAX_JSON_DEPTH} levels`)
  }
  const shape = checkBody('txxm-envelope', body as unknown as JsonObject)
  if (!shape.ok) return shape
  // What a local caller gave is held to what every receiver will hold it to: depth, surrogates, finite numbers.
  const whole = parseJson(JSON.stringify(body), MAX_JSON_DEPTH - 1)
  if (!whole.ok) return whole
  const bodyText = canonical(whole.value)
  const bytes = utf8Length(bodyText) + ENVELOPE_OVERHEAD_BYTES
  if (bytes > ctx.maxEnvelopeBytes) {
    return refuse('too-large', `the message needs ${bytes} bytes, limits.max_envelope allows ${ctx.maxEnvelopeBytes}`)
  }
  if (rest.confidential && bytes > ctx.maxSealedBytes) {
    return refuse(
      'too-large',
      `the message needs ${bytes} bytes, an encrypted road carries ${ctx.maxSealedBytes} at once`,
    )
  }
  for (const to of rest.destinations) {
    const limit = ctx.roster.infoOf(to as Pubkey)?.info.limits?.max_envelope_bytes
    if (limit !== undefined && bytes > limit) {
      return refuse('too-large', `the message needs ${bytes} bytes, ${to} takes ${limit}`)
    }
  }
  return ok({ ...rest, id: hashes.sha256Hex(bodyText) as MessageId, body, bodyText })
}
