import { attestationProof } from './attestation.js'
import type { Decision, NewStrand, Scope, View } from './decision.js'
import { pairScope } from './decision.js'
import { readContent } from './envelope.js'
import type { Content, Envelope, Txxm } from './envelope-types.js'
import type { Hashes } from './hashes.js'
import { answerKnown, answerOf, receiptBase, refused, wantsReceipt } from './inbound-answers.js'
import { mayCome } from './inbound-grants.js'
import { decideNodeInfo } from './inbound-node-info.js'
import { decideReceipts } from './inbound-receipts.js'
import { decideResult, decideTask } from './inbound-task.js'
import type { Roster } from './peers.js'
import { refuse, type Refusal, type Result } from './refusal.js'
import { strandOf } from './strand.js'
import { checkTags } from './tags.js'
import { utf8Length } from './text.js'
import type {
  Destination,
  KorName,
  MessageId,
  NostrEvent,
  PortName,
  Proof,
  Pubkey,
  RelayUrl,
  Road,
  UnixMs,
} from './types.js'
import { toMs, toSec } from './types.js'
import { MAX_SEALED_BYTES } from './wire.js'

/**
 * The receiver, from plain text to a Decision: the second half of wire.md section 6 (the first half, up to the carrier's
 * signature, is the transport's). Two steps, because signatures are checked in batches between them:
 *
 *   open    size -> JSON -> type -> version -> schema -> sha256 -> tags match     (pure, no state)
 *           then the attestation's signature, in a batch with others
 *   decide  attestation -> author = sender, author trusted -> audience or KOR -> grants -> seen? -> time window
 *
 * The order is the contract: cheap checks come before dear ones, and nobody learns from an answer whether a message is
 * known here unless every check before "seen?" has held.
 */

/** What a transport hands over: its carrier is proved, its content is plain text, nothing in it is trusted yet. */
export interface Carried {
  readonly event: NostrEvent
  /** Whose signature or seal carries it. */
  readonly carrier: Pubkey
  readonly road: Road
  readonly confidential: boolean
  /** p-tagged or wrapped to us. */
  readonly toUs: boolean
  /** The envelope text, decrypted where the road encrypts; undefined where it could not be decrypted. */
  readonly text: string | undefined
  readonly relay: RelayUrl
}

export interface Opened {
  readonly carried: Carried
  readonly content: Result<Content>
  /** To be checked before `decide`; absent where there is no attestation. */
  readonly proof?: Proof
}

export interface InboundContext {
  readonly now: UnixMs
  readonly roster: Roster
  /** The namespaces that we advertise. */
  readonly korNamespaces: readonly KorName[]
  /** Ids of the local agents that remote Herms may give tasks to. */
  readonly agents: readonly string[]
  /** The local ports that TXXMs are delivered to. */
  readonly ports: readonly PortName[]
  readonly generation: number
  /** An event of ours that is being sent right now and whose `relay-ok` is not yet written. */
  readonly inFlight: (event: string) => { message: MessageId; to: Destination } | undefined
  /** When to ask again for a `done` after a peer's `stored`, and when to try again what it refused for now. */
  readonly retryAfterMs: number
}

/** A `done` this soon after a `stored` replaces it (wire.md 2.4). */
export const STORED_RECEIPT_DELAY_MS = 200
/** valid_from: up to this early is held, beyond it is refused. */
const MAX_EARLY_MS = 60 * 60 * 1000
/** Deadlines have this much grace. */
export const GRACE_SEC = 300
/** Local delivery is retried until the port acknowledges: it never expires. */
const NEVER = Number.MAX_SAFE_INTEGER as UnixMs

export const openCarried = (carried: Carried, maxEnvelopeBytes: number, hashes: Hashes): Opened => {
  if (carried.text === undefined) {
    return { carried, content: refuse('bad-json', 'the content could not be decrypted with our key') }
  }
  // Receipts come up to a hundred at once: a Herm that wants small messages must still hear what became of its own.
  const { text } = carried
  if (isLonger(text, Math.max(maxEnvelopeBytes, MAX_SEALED_BYTES)))
    return { carried, content: tooLarge(maxEnvelopeBytes) }
  const content = readContent(text, hashes)
  if (content.ok && isMessage(content.value) && isLonger(text, maxEnvelopeBytes)) {
    return { carried, content: tooLarge(maxEnvelopeBytes) }
  }
  if (!content.ok || content.value.type === 'unknown' || content.value.type === 'ksp-service')
    return { carried, content }
  const tags = checkTags(carried.event, content.value, hashes)
  if (!tags.ok) return { carried, content: tags }
  const { attestation } = content.value
  if (attestation === undefined) return { carried, content }
  return { carried, content, proof: attestationProof(content.value.type, content.value.sha256, attestation, hashes) }
}

/** A character is at least one byte, so the length alone tells of most; the exact count is for what is near. */
const isLonger = (text: string, maxBytes: number): boolean => text.length > maxBytes || utf8Length(text) > maxBytes

const isMessage = ({ type }: Content): boolean =>
  type === 'txxm-envelope' || type === 'task-envelope' || type === 'task-result'

const tooLarge = (maxBytes: number): ReturnType<typeof refuse> =>
  refuse('too-large', `the envelope is larger than ${maxBytes} bytes`)

/** `attested`: the proof that `open` asked for holds. Irrelevant where it asked for none. */
export const decideInbound = (opened: Opened, attested: boolean, view: View, ctx: InboundContext): Decision => {
  const { carried, content } = opened
  const seen = view.mark(carried.event.id)
  if (seen !== undefined && (seen.generation === undefined || seen.generation === ctx.generation)) return {}
  if (!content.ok) return refused(carried, content.refusal, undefined, ctx)
  const known = content.value
  switch (known.type) {
    case 'unknown':
      return { marks: [{ id: carried.event.id }] }
    case 'ksp-service':
      return decideNodeInfo(carried, known.info, view, ctx)
    case 'receipt': {
      const author = authorOf(opened, known, attested)
      return author.ok
        ? decideReceipts(carried, known.body, author.value, view, ctx)
        : refused(carried, author.refusal, undefined, ctx)
    }
    case 'txxm-envelope':
      return decideTxxm(opened, known, attested, view, ctx)
    case 'task-envelope':
    case 'task-result': {
      const author = authorOf(opened, known, attested)
      if (!author.ok) return refused(carried, author.refusal, known.sha256 as MessageId, ctx)
      return known.type === 'task-envelope'
        ? decideTask(carried, known, author.value, view, ctx)
        : decideResult(carried, known, author.value, ctx)
    }
    case 'fragment':
    case 'braid':
    case 'heartbeat':
    case 'knot':
      // On the wire contract and well-formed, but this bridge does not advertise it: taken note of, not acted upon.
      return { marks: [{ id: carried.event.id }] }
  }
}

const decideTxxm = (
  opened: Opened,
  envelope: Extract<Envelope, { type: 'txxm-envelope' }>,
  attested: boolean,
  view: View,
  ctx: InboundContext,
): Decision => {
  const { carried } = opened
  const id = envelope.sha256 as MessageId
  const no = (refusal: Refusal): Decision => refused(carried, refusal, id, ctx)

  const author = authorOf(opened, envelope, attested)
  if (!author.ok) return no(author.refusal)
  const allowed = mayCome(author.value, carried, envelope.body, ctx)
  if (!allowed.ok) return no(allowed.refusal)

  const known = view.message(id)
  if (known !== undefined) return answerKnown(carried, known, author.value, view, ctx)

  const due = timeWindow(envelope.body, ctx)
  if (!due.ok) return no(due.refusal)

  const scope: Scope =
    carried.toUs || envelope.body.audience !== undefined ? pairScope(author.value, ctx.roster.me) : 'gossip'
  const strand: NewStrand = {
    ...strandOf(id, author.value, envelope.body, envelope.bodyText),
    ...(envelope.attestation === undefined ? {} : { attestation: envelope.attestation }),
    ...(carried.confidential ? {} : { event: carried.event }),
    confidential: carried.confidential,
    origin: 'peer',
    carrier: carried.carrier,
    road: carried.road,
    scopes: [scope],
  }
  const answers = wantsReceipt(carried, ctx)
  const stage = ctx.ports.length === 0 ? 'done' : 'stored'
  return {
    message: id,
    fresh: true,
    strand,
    marks: [{ id: carried.event.id }],
    owes: ctx.ports.map((port) => ({
      message: id,
      to: `port:${port}`,
      dueAt: due.value,
      expiresAt: NEVER,
      confidential: carried.confidential,
    })),
    ...(answers
      ? {
          answers: [answerOf(carried, id)],
          receipts: [
            {
              ...receiptBase(carried, ctx),
              ref: id,
              status: 'accepted',
              stage,
              dueAt: stage === 'done' ? ctx.now : ((ctx.now + STORED_RECEIPT_DELAY_MS) as UnixMs),
              scope,
            },
          ],
        }
      : {}),
  }
}

/**
 * Author = the attestation's key, else the carrier's; it must be the `sender` where one is named. Without a sender in the
 * body nothing in it says whose it is, so it is its carrier's alone, whatever an attestation beside it says (wire.md 2).
 */
const authorOf = (opened: Opened, envelope: Envelope, attested: boolean): Result<Pubkey> => {
  if (opened.proof !== undefined && !attested) return refuse('bad-signature', 'the attestation does not verify')
  const { carrier } = opened.carried
  const bodies = (envelope.type === 'receipt' ? envelope.body : [envelope.body]) as readonly { sender?: unknown }[]
  if (bodies.every((body) => body.sender === undefined)) return { ok: true, value: carrier }
  const author = envelope.attestation?.pubkey ?? carrier
  if (bodies.some((body) => body.sender !== undefined && body.sender !== author)) {
    return refuse('bad-signature', `its author is ${author}, its sender says otherwise`)
  }
  return { ok: true, value: author }
}

/** When local delivery is due. */
const timeWindow = (body: Txxm, ctx: InboundContext): Result<UnixMs> => {
  const { valid_from: from, valid_until: until } = body
  if (from !== undefined && until !== undefined && until < from) {
    return refuse('bad-schema', 'valid_until lies before valid_from')
  }
  if (until !== undefined && until + GRACE_SEC < toSec(ctx.now)) return refuse('expired', 'valid_until has passed')
  if (from === undefined || toMs(from) <= ctx.now) return { ok: true, value: ctx.now }
  if (toMs(from) - ctx.now > MAX_EARLY_MS) return refuse('not-yet-valid', 'valid_from is more than an hour ahead')
  return { ok: true, value: toMs(from) }
}
