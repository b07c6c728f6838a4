import type { Hashes } from '../core/hashes.js'
import { utf8Length } from '../core/text.js'
import type { EventId, NostrEvent, Pubkey, RelayUrl, Road } from '../core/types.js'
import type { Arrival, Clock, Log, Random, RelayAnswer, RelayMemory, Signer, Transport, Verifier } from '../ports.js'
import { admission, type OnRefused } from './admit.js'
import { createLine, type Line, type RelayConfig } from './line.js'
import { DEFAULT_LIMITS, type Limits } from './limits.js'
import type { WebSocketClass } from './link.js'
import { createTake } from './take.js'
import { aborted, childOf, deferred } from './waiting.js'

export interface RelayTransportOptions {
  readonly relays: readonly RelayConfig[]
  readonly me: Pubkey
  readonly signer: Signer
  readonly verifier: Verifier
  readonly hashes: Hashes
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly webSocket?: WebSocketClass
  /** Keys whose events are asked for by author. */
  readonly trusted: () => readonly Pubkey[]
  readonly isTrusted: (key: Pubkey) => boolean
  /** Which of these need not be looked at again. */
  readonly seen: (ids: readonly EventId[]) => ReadonlySet<EventId>
  /** Awaited: until it resolves, a relay is made to wait. After a Fault the same is offered again. */
  readonly intake: (arrivals: Arrival[]) => Promise<void>
  readonly onRefused: OnRefused
  readonly memory: (url: RelayUrl) => RelayMemory
  readonly remember: (memory: RelayMemory) => Promise<void>
  /** A relay has come (back). */
  readonly onOpen?: (url: RelayUrl) => void
  readonly limits?: Partial<Limits>
  readonly outboxMaxAgeMs?: number
}

/** Public and private relays alike: several at once, each with a line of its own (house.md). */
export const relayTransport = (o: RelayTransportOptions): Transport => {
  const limits: Limits = {
    ...DEFAULT_LIMITS,
    ...o.limits,
    ...(o.outboxMaxAgeMs === undefined ? {} : { outboxMaxAgeMs: o.outboxMaxAgeMs }),
  }
  const gate = admission({ ...o, maxEventBytes: limits.maxEventBytes })
  const take = createTake({ ...o, admission: gate, retry: limits.intakeRetry })
  const waiting = new Set<() => void>()

  const lines = o.relays.map((relay) =>
    createLine({
      ...o,
      relay,
      take,
      limits,
      memory: () => o.memory(relay.url),
      onState: (isOpen) => {
        if (!isOpen) return
        o.onOpen?.(relay.url)
        for (const look of [...waiting]) look()
      },
    }),
  )
  const byUrl = new Map<string, Line>(lines.map((line) => [line.relay.url, line]))
  const writers = (road: Road): Line[] => lines.filter((l) => l.relay.write && l.relay.roads.includes(road))

  const publishTo = async (event: NostrEvent, relay: RelayUrl): Promise<RelayAnswer> => {
    const line = byUrl.get(relay)
    if (line === undefined) return { relay, ok: false, message: 'not a relay of ours' }
    if (!line.relay.write) return { relay, ok: false, message: 'read only' }
    if (line.isHeld()) return { relay, ok: false, message: 'rate-limited: it asked us to slow down' }
    return { relay, ...(await line.publish(event)) }
  }

  return {
    run: async (signal) => {
      // A bug in one line ends them all; the first one is told.
      const life = childOf(signal)
      const runs = lines.map((line) => line.run(life.signal))
      const first = Promise.all([...runs, aborted(life.signal)])
      await first.catch(() => undefined)
      life.abort()
      await Promise.allSettled(runs)
      await first
    },

    publish: (event, relays, signal) => {
      if (utf8Length(JSON.stringify(event)) > limits.maxOutgoingBytes) {
        const message = `too-large: more than ${limits.maxOutgoingBytes} bytes`
        return Promise.resolve(relays.map((relay) => ({ relay, ok: false, message })))
      }
      return firstYes(
        relays,
        relays.map((relay) => publishTo(event, relay)),
        signal,
      )
    },

    relaysFor: (road) => {
      const rank = (line: Line): number => (line.isOpen() ? (line.isHeld() ? 1 : 0) : 2)
      return writers(road)
        .sort((a, b) => rank(a) - rank(b))
        .map((line) => line.relay.url)
    },

    whenOpen: (road, signal) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!signal.aborted && !writers(road).some((line) => line.isOpen())) return
          waiting.delete(look)
          signal.removeEventListener('abort', look)
          resolve()
        }
        waiting.add(look)
        signal.addEventListener('abort', look)
        look()
      }),

    trustChanged: () => {
      gate.forget()
      for (const line of lines) line.trustChanged()
    },
    rereadAll: () => {
      gate.forget()
      for (const line of lines) line.rereadAll()
    },
    status: () => lines.map((line) => line.status()),
  }
}

/**
 * Resolves with the answers so far at the first yes, or with all of them; those who have not answered when `signal` aborts
 * are answered for. The other relays go on by themselves, and what they say later is in their status.
 */
const firstYes = async (
  relays: readonly RelayUrl[],
  asked: readonly Promise<RelayAnswer>[],
  signal: AbortSignal,
): Promise<RelayAnswer[]> => {
  const answers: RelayAnswer[] = []
  const enough = deferred<undefined>()
  const stop = (): void => enough.resolve(undefined)
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted || asked.length === 0) stop()
  for (const each of asked) {
    // Never rejects: a line's answer always comes.
    void each.then((answer) => {
      answers.push(answer)
      if (answer.ok || answers.length === asked.length) stop()
    })
  }
  await enough.promise
  signal.removeEventListener('abort', stop)
  const said = [...answers]
  if (said.some((a) => a.ok) || !signal.aborted) return said
  const silent = relays.filter((relay) => !said.some((a) => a.relay === relay))
  return [...said, ...silent.map((relay) => ({ relay, ok: false, message: 'stopped' }))]
}
