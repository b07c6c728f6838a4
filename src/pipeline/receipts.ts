import { backoffMs, type BackoffLimits } from '../core/backoff.js'
import { pairScope, type OwedReceipt, type Scope } from '../core/decision.js'
import { writeEnvelope } from '../core/envelope.js'
import { Fault, reasonOf } from '../core/fault.js'
import type { Hashes } from '../core/hashes.js'
import { MAX_RECEIPTS_AN_ENVELOPE, receiptBody } from '../core/receipt.js'
import { encTags, receiptTags, WIRE_KINDS } from '../core/tags.js'
import { utf8Length } from '../core/text.js'
import type { Hex32, NostrEvent, Pubkey, Road, UnixMs, UnixSec } from '../core/types.js'
import { toSec } from '../core/types.js'
import type { Clock, Log, Random, Signer, Store, Transport } from '../ports.js'
import { receiptBell } from './after-commit.js'
import type { Bell } from './bell.js'
import { randomU64 } from './nonce.js'
import { openBefore } from './open-road.js'
import { stopped } from './pump.js'
import type { Tally } from './tally.js'

/**
 * Sends what receipts are owed to one peer, many in one envelope: while one is on its way the next ones gather. They end
 * at a relay's OK; one that gets lost after that is asked for again by the sender's next try. What came sealed is
 * answered sealed.
 */
export interface ReceiptsOptions {
  readonly to: Pubkey
  readonly me: Pubkey
  /** An untrusted key gets no receipt (wire.md 6), also where it was trusted when the receipt became owed. */
  readonly isTrusted: (peer: Pubkey) => boolean
  readonly store: Pick<Store, 'receiptsDue' | 'nextReceiptDue' | 'receiptsSent' | 'root'>
  readonly transport: Pick<Transport, 'publish' | 'relaysFor' | 'whenOpen'>
  readonly signer: Signer
  readonly hashes: Hashes
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly bell: Bell
  readonly tally: Tally
  readonly backoff: BackoffLimits
  readonly maxAgeMs: number
  /** Ends a publish that is under way; `signal` only says that no new one is wanted. */
  readonly hardStop: AbortSignal
}

const IDLE_MS = 60_000
/** Receipts of another road don't wait longer than this for a relay of the first one's. */
const ROAD_WAIT_MS = 15_000
/**
 * Many relays take no event of more than 64 KiB. Of 40,960 bytes NIP-44 and base64 make 54,704, and the next step of its
 * padding is beyond; in the clear the quotes and an `e` tag for each receipt take the rest.
 */
const MAX_CONTENT_BYTES = 40_960
/** The envelope, and the roots of both scopes. */
const AROUND_BYTES = 1_024
/** A receipt with all members as long as they get, but for its message. */
const RECEIPT_BYTES = 500

/** As many of the first ones as fit one event; at least one. */
const fitting = <T extends OwedReceipt>(batch: readonly T[]): T[] => {
  let bytes = AROUND_BYTES
  const end = batch.findIndex(({ message }, i) => {
    bytes += RECEIPT_BYTES + (message === undefined ? 0 : utf8Length(JSON.stringify(message)))
    return bytes > MAX_CONTENT_BYTES && i > 0
  })
  return batch.slice(0, end < 0 ? batch.length : end)
}

export const runReceipts = async (o: ReceiptsOptions, signal: AbortSignal): Promise<void> => {
  let failures = 0
  /** The road that no relay was open for: what goes another way comes first. */
  let shut: Road | undefined
  while (!signal.aborted) {
    const now = o.clock.now()
    const owed = o.store.receiptsDue(o.to, now, MAX_RECEIPTS_AN_ENVELOPE)
    const first = owed.find((r) => roadOf(r, o) !== shut) ?? owed[0]
    if (first === undefined) {
      const next = o.store.nextReceiptDue(o.to)
      // A clock that was set back must not make it sleep for as long.
      const waitMs = next === undefined ? IDLE_MS : Math.min(next - now, IDLE_MS)
      await o.bell.wait(receiptBell(o.to), waitMs, signal)
      if (next === undefined && o.store.nextReceiptDue(o.to) === undefined) return
      continue
    }
    const road = roadOf(first, o)
    shut = undefined
    if (road !== undefined && !(await openBefore(road, (now + ROAD_WAIT_MS) as UnixMs, o, signal))) {
      shut = road
      continue
    }
    const batch = fitting(owed.filter((r) => roadOf(r, o) === road))
    const work = road === undefined ? drop(batch, o) : sendBatch(batch, road, o)
    const isDone = await work.catch((error: unknown) => {
      if (!(error instanceof Fault)) throw error
      o.log.warn('receipts.fault', { to: o.to, reason: reasonOf(error) })
      return false
    })
    if (stopped(signal)) return
    if (isDone) failures = 0
    else await o.clock.sleep(backoffMs(failures++, o.backoff, o.random.fraction()), signal)
  }
}

type Owed = OwedReceipt & { readonly seq: number }

/**
 * What came sealed is answered sealed, and what came in the clear as well where no relay takes a clear one: a road that is
 * not there must not hold up the receipts behind. Undefined: it is not to be sent at all.
 */
const roadOf = (receipt: Owed, o: ReceiptsOptions): Road | undefined => {
  if (!o.isTrusted(o.to) || receipt.at + o.maxAgeMs < o.clock.now()) return undefined
  const can = (road: Road): boolean => o.transport.relaysFor(road).length > 0
  if (!receipt.confidential && can('public')) return 'public'
  return can('nip44') ? 'nip44' : undefined
}

/** They are lost at worst until the sender's next try (wire.md 2.4), which is bounded by the message's age. */
const drop = async (batch: readonly Owed[], o: ReceiptsOptions): Promise<boolean> => {
  o.log.info('receipts.dropped', { to: o.to, receipts: batch.length, trusted: o.isTrusted(o.to) })
  await o.store.receiptsSent(batch.map((r) => r.seq))
  return true
}

const sendBatch = async (batch: readonly Owed[], road: Road, o: ReceiptsOptions): Promise<boolean> => {
  const event = await receiptEvent(batch, road === 'nip44', o)
  const answers = await o.transport.publish(event, o.transport.relaysFor(road), o.hardStop)
  if (!answers.some((a) => a.ok)) {
    o.log.info('receipts.refused', { to: o.to, answers: answers.map((a) => `${a.relay}: ${a.message}`) })
    return false
  }
  await o.store.receiptsSent(batch.map((r) => r.seq))
  o.tally.count('receipts_out', batch.length)
  return true
}

const receiptEvent = async (
  batch: readonly OwedReceipt[],
  sealed: boolean,
  o: ReceiptsOptions,
): Promise<NostrEvent> => {
  const roots = new Map<Scope, { root: Hex32; count: number }>()
  const last = new Map(batch.map((r) => [r.scope, r]))
  // The root moves while receipts gather; the last receipt of each scope alone carries the present one.
  const braid = (receipt: OwedReceipt): { root: Hex32; count: number } | undefined => {
    if (receipt.scope === undefined || last.get(receipt.scope) !== receipt) return undefined
    // Who only carried a message is told what became of it, and not what its author and we share.
    if (receipt.scope !== 'gossip' && receipt.scope !== pairScope(o.me, o.to)) return undefined
    const known = roots.get(receipt.scope) ?? o.store.root(receipt.scope)
    roots.set(receipt.scope, known)
    return known
  }
  const body = receiptBody(batch, o.me, o.to, () => randomU64(o.random), braid, o.hashes)
  const content = writeEnvelope({ type: 'receipt', ...body })
  const now = toSec(o.clock.now())
  const expiration = (now + Math.floor(o.maxAgeMs / 1000)) as UnixSec
  if (!sealed) {
    const events = [...new Set(batch.map((r) => r.event))]
    const tags = receiptTags({ sha256: body.sha256, to: o.to, events, expiration })
    return o.signer.signEvent({ kind: WIRE_KINDS.public, created_at: now, tags, content })
  }
  return o.signer.signEvent({
    kind: WIRE_KINDS.public,
    created_at: now,
    tags: encTags({ random: o.random.bytes(16), to: o.to, expiration }),
    content: await o.signer.nip44Encrypt(o.to, content),
  })
}
