import { matchesAny, type Filter } from '../core/match.js'
import { checkEventShape, eventId, proofOf, tagValue } from '../core/event.js'
import type { Hashes } from '../core/hashes.js'
import type { RefusalCode } from '../core/refusal.js'
import { pKeys } from '../core/tags.js'
import type { EventId, NostrEvent, Pubkey, RelayUrl, Road } from '../core/types.js'
import { WIRE_KIND } from '../core/wire.js'
import type { Arrival, Clock, Signer, Verifier } from '../ports.js'
import { recent } from './recent.js'
import { spend, type Bucket } from '../core/bucket.js'

/**
 * The first half of what a receiver does (wire.md 6), from anything a relay may send to an Arrival whose carrier is
 * proved. Cheap checks before dear ones, in the order of the contract:
 *
 *   size -> shape -> id recomputed -> our own filter matched -> event id seen? -> carrier trusted? -> signature -> opened
 *
 * Nothing here is remembered in the store: a copy with a false signature has the id of the true event, and a mark made for
 * the one would block the other. What is remembered in memory is keyed by id and signature, or is true of every copy.
 */
export interface Incoming {
  /** Anything at all. */
  readonly raw: unknown
  /** Of its JSON, as it came. */
  readonly bytes: number
}

/** What admission needs to know of the relay that something came from. */
export interface From {
  readonly url: RelayUrl
  /** What was asked of it. */
  readonly filters: () => readonly Filter[]
}

export interface AdmitOptions {
  readonly me: Pubkey
  readonly hashes: Hashes
  readonly verifier: Verifier
  readonly signer: Pick<Signer, 'nip44Decrypt'>
  readonly clock: Clock
  readonly maxEventBytes: number
  readonly isTrusted: (key: Pubkey) => boolean
  /** Which of these need not be looked at again. */
  readonly seen: (ids: readonly EventId[]) => ReadonlySet<EventId>
  readonly onRefused: OnRefused
}

export type OnRefused = (
  code: RefusalCode,
  about: { readonly event?: EventId; readonly carrier?: Pubkey; readonly relay: RelayUrl },
) => void

export interface Admission {
  /** The checks that need nothing but the event. Undefined: refused and counted, or not for us. */
  cheap(item: Incoming, from: From): NostrEvent | undefined
  /** The rest. Never throws for bad input. */
  prove(events: readonly NostrEvent[], from: From): Promise<NostrEvent[]>
  open(event: NostrEvent, from: From): Promise<Arrival>
  /** The trusted set has changed: nobody is untrusted any more until looked at again. */
  forget(): void
}

/** Strangers' node-infos: enough for a discovery, too few to be a burden. */
const NODE_INFOS = { perSecond: 20, burst: 100 }
const MAX_REMEMBERED = 20_000

export const admission = (o: AdmitOptions): Admission => {
  /** Ids of untrusted carriers, and id with signature of what did not verify: counted once, and not verified again. */
  const untrusted = recent(MAX_REMEMBERED)
  const forged = recent(MAX_REMEMBERED)
  let nodeInfos: Bucket | undefined

  const isWelcome = (event: NostrEvent, from: From): boolean => {
    const carrier = event.pubkey
    if (o.isTrusted(carrier)) return true
    const about = { event: event.id, carrier, relay: from.url }
    if (!isNodeInfo(event)) {
      if (untrusted.add(event.id)) o.onRefused('untrusted-sender', about)
      return false
    }
    const spent = spend(nodeInfos, o.clock.now(), NODE_INFOS)
    nodeInfos = spent.bucket
    if (!spent.ok) o.onRefused('rate-limited', about)
    return spent.ok
  }

  return {
    cheap: ({ raw, bytes }, from) => {
      const relay = from.url
      if (bytes > o.maxEventBytes) {
        o.onRefused('too-large', { relay })
        return undefined
      }
      const shape = checkEventShape(raw)
      if (!shape.ok) {
        o.onRefused('bad-event', { relay })
        return undefined
      }
      const event = shape.value
      if (eventId(event, o.hashes) !== event.id) {
        o.onRefused('bad-event', { relay })
        return undefined
      }
      if (!matchesAny(from.filters(), event)) {
        o.onRefused('not-addressed', { event: event.id, carrier: event.pubkey, relay })
        return undefined
      }
      // We read by author, so what a trusted peer seals for others comes too: no refusal, there is nothing in it for us.
      if (isSealed(event) && !isTo(event, o.me)) return undefined
      return event.pubkey === o.me ? undefined : event
    },

    prove: async (events, from) => {
      const seen = o.seen(events.map((e) => e.id))
      const asked = events.filter(
        (e) => !seen.has(e.id) && !untrusted.has(e.id) && !forged.has(e.id + e.sig) && isWelcome(e, from),
      )
      const answers = await o.verifier.verify(asked.map(proofOf))
      return asked.filter((event, i) => {
        if (answers[i] === true) return true
        forged.add(event.id + event.sig)
        o.onRefused('bad-signature', { event: event.id, carrier: event.pubkey, relay: from.url })
        return false
      })
    },

    open: async (event, from) => {
      const sealed = isSealed(event)
      const road: Road = sealed ? 'nip44' : event.kind === WIRE_KIND ? 'public' : 'private'
      return {
        event,
        carrier: event.pubkey,
        road,
        confidential: sealed,
        toUs: isTo(event, o.me),
        text: sealed ? await unseal(event, o.signer) : event.content,
        relay: from.url,
      }
    },

    forget: () => {
      untrusted.clear()
      nodeInfos = undefined
    },
  }
}

/** By `d`, not by `t`: the envelope's own tags must then match it, so nothing else can pass under this name. */
const isNodeInfo = (event: NostrEvent): boolean =>
  event.kind === WIRE_KIND && tagValue(event, 'd')?.startsWith('ksp-service:') === true
/** wire.md 4, the nip44 road. */
const isSealed = (event: NostrEvent): boolean => tagValue(event, 'd')?.startsWith('enc-') === true
const isTo = (event: NostrEvent, key: Pubkey): boolean => pKeys(event).includes(key)

const unseal = async (event: NostrEvent, signer: Pick<Signer, 'nip44Decrypt'>): Promise<string | undefined> => {
  try {
    return await signer.nip44Decrypt(event.pubkey, event.content)
  } catch {
    // What can't be opened is handed on as such: the receiver's answer to it is decided with all others.
    return undefined
  }
}
