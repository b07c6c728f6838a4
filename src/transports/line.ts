import { backoffMs } from '../core/backoff.js'
import { Fault, reasonOf } from '../core/fault.js'
import type { NostrEvent, Pubkey, RelayUrl, Road, UnixMs } from '../core/types.js'
import type { Clock, Log, Random, RelayMemory, RelayStatus, Signer } from '../ports.js'
import type { From, OnRefused } from './admit.js'
import { converse, type Conversation } from './conversation.js'
import { prefixOf } from './frames.js'
import { createInbox } from './inbox.js'
import { inboxSources, type Source } from './inbox-filters.js'
import type { Limits } from './limits.js'
import type { WebSocketClass } from './link.js'
import type { Said } from './publish.js'
import type { Take } from './take.js'
import { aborted, childOf } from './waiting.js'

/** One relay, for ever: connect, read without a gap, publish, and come back after every end. */
export interface Line {
  readonly relay: RelayConfig
  run(signal: AbortSignal): Promise<void>
  /** Never rejects. */
  publish(event: NostrEvent): Promise<Said>
  /** It has said `rate-limited:` and is left alone for a moment. */
  isHeld(): boolean
  isOpen(): boolean
  /** The trusted set has changed. */
  trustChanged(): void
  /** Reads the whole of the outbox's age again, if need be after a restart. */
  rereadAll(): void
  status(): RelayStatus
}

export interface RelayConfig {
  readonly url: RelayUrl
  readonly roads: readonly Road[]
  readonly read: boolean
  readonly write: boolean
}

export interface LineOptions {
  readonly relay: RelayConfig
  readonly me: Pubkey
  readonly signer: Pick<Signer, 'signEvent'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly webSocket?: WebSocketClass | undefined
  readonly trusted: () => readonly Pubkey[]
  readonly take: Take
  readonly memory: () => RelayMemory
  readonly remember: (memory: RelayMemory) => Promise<void>
  readonly onRefused: OnRefused
  /** The state has changed. */
  readonly onState: (isOpen: boolean) => void
  readonly limits: Limits
}

const HOLD = { minMs: 1_000, maxMs: 60_000 }
/** A connection that lived this long was a good one: the next wait is short again. */
const GOOD_LIFE_MS = 60_000
/** Of what a relay says, as it is shown to a person. */
const MAX_WORDS = 200

export const createLine = (o: LineOptions): Line => {
  const { relay, clock, log, limits } = o
  const { url } = relay
  let state: RelayStatus['state'] = 'connecting'
  let since = clock.now()
  let reason: string | undefined
  /** What an open relay holds against us: `auth` until it knows us, `read` until all is read, `event` until it takes one. */
  let refusals: { auth?: string | undefined; read?: string | undefined; event?: string | undefined } = {}
  const count = { received: 0, published: 0, refused: 0 }
  let lagMs: number | undefined
  let maxPayloadBytes = limits.maxFrameBytes
  let held = { until: 0, times: 0 }
  let now: Conversation | undefined
  /** How often we were told to read all again; what was whole before that is not whole any more. */
  let forgets = 0
  let wholeSince = 0
  const readSources = (): Source[] => inboxSources({ me: o.me, roads: relay.roads, trusted: o.trusted() })
  let sources = readSources()
  let stop: AbortSignal | undefined

  const from: From = { url, filters: () => sources.map((s) => s.filter) }
  const inbox = createInbox({
    ...limits.inbox,
    take: (batch) => o.take(batch, from, stop ?? AbortSignal.abort()),
    onFull: () => now?.link.pause(),
    onRoom: () => now?.link.resume(),
  })

  const failure = (): string | undefined => {
    if (state !== 'open') return reason
    if (refusals.auth !== undefined) return `AUTH refused: ${refusals.auth}`
    if (refusals.read !== undefined) return `reading refused: ${refusals.read}`
    return refusals.event === undefined ? undefined : `refused: ${refusals.event}`
  }

  const setState = (next: RelayStatus['state'], why?: string): void => {
    if (why !== undefined) reason = why.slice(0, MAX_WORDS)
    if (next === state) return
    state = next
    since = clock.now()
    o.onState(next === 'open')
  }

  const answered = (ok: boolean, message: string): void => {
    if (ok) {
      count.published++
      refusals.event = undefined
      held = { until: 0, times: 0 }
      return
    }
    count.refused++
    refusals.event = message.slice(0, MAX_WORDS)
    if (prefixOf(message) !== 'rate-limited') return
    held = { until: clock.now() + backoffMs(held.times, HOLD, o.random.fraction()), times: held.times + 1 }
  }

  const connectOnce = (signal: AbortSignal): Promise<string> =>
    converse(
      {
        ...o,
        ...relay,
        inbox,
        maxPayloadBytes,
        sources: () => sources,
        memory: () => (wholeSince < forgets ? { url } : o.memory()),
        remember: async (lastWhole) => {
          const asked = forgets
          refusals.read = undefined
          await o.remember({ url, lastWhole })
          wholeSince = asked
        },
        onOpen: (conversation) => {
          now = conversation
          refusals = {}
          setState('open')
          log.info('relay.open', { relay: url })
        },
        onEnd: (why) => {
          now = undefined
          setState('down', why)
        },
        onEvent: (event, live) => {
          count.received++
          if (live) lagMs = lagOf(event, clock.now()) ?? lagMs
        },
        onAnswer: answered,
        onClosed: (words) => {
          refusals.read = words.slice(0, MAX_WORDS)
        },
        onAuth: (refusal) => {
          refusals.auth = refusal?.slice(0, MAX_WORDS)
        },
        // Closing the connection is all that a frame beyond the limit leaves to do. If the next connection did the same, one
        // huge event that somebody has addressed to us would silence this relay for good: so the next one reads past it.
        onTooLong: () => {
          o.onRefused('too-large', { relay: url })
          maxPayloadBytes = Math.min(maxPayloadBytes * 4, limits.maxSkippedBytes)
        },
      },
      signal,
    )

  /** Asked anew: an await lies between. */
  const isStopped = (signal: AbortSignal): boolean => signal.aborted

  const stayConnected = async (signal: AbortSignal): Promise<void> => {
    let told: string | undefined
    for (let attempt = 0; !signal.aborted; attempt++) {
      setState('connecting')
      const startedAt = clock.now()
      const why = await connectOnce(signal)
      if (clock.now() - startedAt >= GOOD_LIFE_MS) {
        attempt = 0
        told = undefined
      }
      setState('down', why)
      // One line for each outage, not one for each try; what to do stands in it.
      if (told !== why && !isStopped(signal)) {
        log.warn('relay.down', {
          relay: url,
          reason: why,
          hint: 'it is tried again for ever; if the address is wrong, mend relays in ksp.yaml',
        })
      }
      told = why
      await clock.sleep(backoffMs(attempt, limits.reconnect, o.random.fraction()), signal)
    }
    setState('down', 'stopped')
  }

  return {
    relay,
    run: async (signal) => {
      // A bug on one side ends the other too; then it is told.
      const life = childOf(signal)
      stop = life.signal
      const sides = [inbox.run(life.signal), stayConnected(life.signal)]
      const ended = await Promise.race([
        Promise.all(sides).catch((error: unknown) => ({ error })),
        aborted(life.signal),
      ])
      life.abort()
      const settled = await Promise.allSettled(sides)
      if (ended !== undefined && 'error' in ended) throw ended.error
      const failed = settled.find((s) => s.status === 'rejected' && !(s.reason instanceof Fault))
      if (failed?.status === 'rejected') throw failed.reason
    },
    publish: (event) =>
      now === undefined
        ? Promise.resolve({ ok: false, message: reason === undefined ? 'not connected' : `not connected: ${reason}` })
        : now.publisher.publish(event),
    isHeld: () => held.until > clock.now(),
    isOpen: () => now !== undefined,
    trustChanged: () => {
      sources = readSources()
      now?.reading?.again()
    },
    rereadAll: () => {
      sources = readSources()
      forgets++
      // Written down at once: a restart before the next whole round must not make the reading short again. If it can't be
      // written, this process still knows.
      o.remember({ url }).catch((error: unknown) => log.error('relay.memory-failed', { reason: reasonOf(error) }))
      now?.reading?.again()
    },
    status: () => {
      const why = failure()
      return {
        url,
        state,
        roads: relay.roads,
        since,
        ...(why === undefined ? {} : { reason: why }),
        authed: now?.isAuthed() ?? false,
        ...count,
        ...(lagMs === undefined ? {} : { lagMs }),
      }
    },
  }
}

const lagOf = (raw: unknown, now: UnixMs): number | undefined => {
  const at = typeof raw === 'object' && raw !== null ? (raw as { created_at?: unknown }).created_at : undefined
  return typeof at === 'number' && Number.isSafeInteger(at) ? Math.max(0, now - at * 1_000) : undefined
}
