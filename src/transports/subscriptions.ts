import { backoffMs, type BackoffLimits } from '../core/backoff.js'
import { toSec, type RelayUrl, type UnixMs } from '../core/types.js'
import type { Clock, Log, Random, RelayMemory } from '../ports.js'
import { backfill } from './backfill.js'
import { createLive } from './live.js'
import { createPages } from './pages.js'
import type { Inbox } from './inbox.js'
import type { Source } from './inbox-filters.js'
import { childOf, deferred, within } from './waiting.js'

/**
 * Reading one relay without a gap, on one connection (delivery.md, "Inbound, loss-proof"). A round opens the live
 * subscriptions first and then reads the past in pages, from an hour before the last time that we knew we had all, to now.
 * Only when every subscription and every page was answered with EOSE, and everything that came was taken in, is that time
 * moved; from then on every minute, for as long as all stays well. Anything else (CLOSED, AUTH, another trusted set, an
 * hour gone by) makes a new round. No event's own date ever moves it.
 */
export interface Subscriptions {
  readonly onEvent: (sub: string, raw: unknown) => void
  /** The event of this subscription came live, and was not stored. */
  readonly isLive: (sub: string) => boolean
  onEose(sub: string): void
  onClosed(sub: string, message: string): void
  /** A new round, at once. */
  again(): void
  /** Runs until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>
}

export interface SubscriptionsOptions {
  readonly url: RelayUrl
  readonly sources: () => readonly Source[]
  readonly memory: () => RelayMemory
  readonly remember: (lastWhole: UnixMs) => Promise<void>
  readonly inbox: Pick<Inbox, 'idle' | 'isIdle' | 'isFull'>
  readonly send: (text: string) => Promise<boolean>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly limits: ReadLimits
}

export interface ReadLimits {
  /** How far back anything may still be delivered. */
  readonly outboxMaxAgeMs: number
  readonly overlapMs: number
  readonly pageSize: number
  readonly maxPages: number
  readonly silenceMs: number
  /** After a page was CLOSED for now. */
  readonly pageRetry: BackoffLimits
  /** After a round that was not whole. */
  readonly roundRetry: BackoffLimits
}

/** Other clocks run ahead of ours. What is dated further ahead comes live, or when its time has come. */
const AHEAD_SEC = 3_600
const EVERY_MS = 60 * 60 * 1_000
const NOTE_EVERY_MS = 60 * 1_000

export const createSubscriptions = (o: SubscriptionsOptions): Subscriptions => {
  const parts = { ...o, isPaused: o.inbox.isFull, silenceMs: o.limits.silenceMs, retry: o.limits.pageRetry }
  const live = createLive(parts)
  const pages = createPages(parts)
  let wanted = false
  let broken = false
  let bell = deferred<undefined>()
  let current: AbortController | undefined
  const isWanted = (): boolean => wanted
  const isBroken = (): boolean => broken

  const round = async (startedAt: UnixMs, signal: AbortSignal): Promise<boolean> => {
    const sources = o.sources()
    const now = toSec(startedAt)
    const oldest = Math.max(0, toSec((startedAt - o.limits.outboxMaxAgeMs) as UnixMs))
    await live.open(sources, oldest)
    const { lastWhole } = o.memory()
    // A clock that was set back must not make a window that begins in the future.
    const since =
      lastWhole === undefined
        ? oldest
        : Math.max(oldest, Math.floor((Math.min(lastWhole, startedAt) - o.limits.overlapMs) / 1_000))

    let whole = true
    for (const { filter, narrower } of sources) {
      const read = await backfill({
        filter,
        narrower,
        since,
        until: now + AHEAD_SEC,
        limit: o.limits.pageSize,
        maxPages: o.limits.maxPages,
        ask: (f) => pages.ask(f, signal),
      })
      if (signal.aborted) return false
      whole &&= read
    }
    whole = (await live.settled(signal)) && whole
    await untilIdle(signal)
    return whole && !signal.aborted
  }

  const untilIdle = async (signal: AbortSignal): Promise<void> => {
    const idle = o.inbox.idle().then(() => true)
    while (!signal.aborted && (await within(o.clock, NOTE_EVERY_MS, signal, idle)) === undefined);
  }

  /** Until something asks for a new round. */
  const watch = async (startedAt: UnixMs, signal: AbortSignal): Promise<void> => {
    for (;;) {
      await within(o.clock, NOTE_EVERY_MS, signal, bell.promise)
      const now = o.clock.now()
      if (isOver(signal) || wanted || broken || now - startedAt >= EVERY_MS) return
      if (o.inbox.isIdle() && live.isWhole()) await o.remember(now)
    }
  }

  return {
    onEvent: pages.onEvent,
    isLive: live.isLive,
    onEose: (sub) => {
      live.onEose(sub)
      pages.onEose(sub)
    },
    onClosed: (sub, message) => {
      o.log.debug('relay.closed-subscription', { relay: o.url, sub, reason: message })
      pages.onClosed(sub, message)
      if (live.onClosed(sub)) {
        broken = true
        bell.resolve(undefined)
      }
    },
    again: () => {
      wanted = true
      current?.abort()
      bell.resolve(undefined)
    },
    run: async (signal) => {
      let failures = 0
      while (!isOver(signal)) {
        wanted = false
        broken = false
        bell = deferred()
        const startedAt = o.clock.now()
        current = childOf(signal)
        const whole = await round(startedAt, current.signal)
        current.abort()
        if (isOver(signal)) return
        // What asked for a new round during this one wants to know more than this one has read.
        if (isWanted()) continue
        if (whole && !isBroken()) {
          o.log.info('relay.whole', { relay: o.url })
          await o.remember(startedAt)
          await watch(startedAt, signal)
          if (o.clock.now() - startedAt >= NOTE_EVERY_MS) failures = 0
          if (!isBroken()) continue
        } else {
          o.log.warn('relay.not-whole', { relay: o.url })
        }
        if (!isWanted()) {
          bell = deferred()
          await within(o.clock, backoffMs(failures++, o.limits.roundRetry, o.random.fraction()), signal, bell.promise)
        }
      }
    },
  }
}

/** It changes while we wait, which a compiler that has seen it false once does not know. */
const isOver = (signal: AbortSignal): boolean => signal.aborted
