import { backoffMs, type BackoffLimits } from '../core/backoff.js'
import type { Filter } from '../core/match.js'
import type { Clock, Random } from '../ports.js'
import type { Asked } from './backfill.js'
import { closeFrame, prefixOf, reqFrame } from './frames.js'
import { deferred, within } from './waiting.js'

/** One REQ at a time for what is stored: opened, read to its EOSE, closed. */
export interface Pages {
  ask(filter: Filter, signal: AbortSignal): Promise<Asked>
  readonly onEvent: (sub: string, raw: unknown) => void
  onEose(sub: string): void
  onClosed(sub: string, message: string): void
}

export interface PagesOptions {
  readonly clock: Clock
  readonly random: Random
  readonly send: (text: string) => Promise<boolean>
  /** We have stopped reading for now: silence says nothing about the relay. */
  readonly isPaused: () => boolean
  /** A page that gets nothing for this long has ended without EOSE. */
  readonly silenceMs: number
  /** After a page was CLOSED for now. */
  readonly retry: BackoffLimits
}

/** More than any relay sends in one answer; without it, a relay that never says EOSE could fill the memory. */
const MAX_EVENTS_A_PAGE = 20_000
const MAX_TRIES = 5

interface Open {
  readonly sub: string
  readonly events: { id: string; created_at: number }[]
  readonly end: ReturnType<typeof deferred<'eose' | { readonly closed: string }>>
}

export const createPages = (o: PagesOptions): Pages => {
  let counter = 0
  let open: Open | undefined

  const once = async (filter: Filter, signal: AbortSignal): Promise<Asked | { readonly closed: string }> => {
    const page: Open = { sub: `page-${++counter}`, events: [], end: deferred() }
    open = page
    try {
      if (!(await o.send(reqFrame(page.sub, [filter])))) return 'refused'
      for (;;) {
        const before = page.events.length
        const end = await within(o.clock, o.silenceMs, signal, page.end.promise)
        if (signal.aborted) return 'refused'
        if (end === 'eose') return { events: page.events, whole: page.events.length < MAX_EVENTS_A_PAGE }
        if (end !== undefined) return end
        const silent = page.events.length === before && !o.isPaused()
        if (silent || page.events.length >= MAX_EVENTS_A_PAGE) return { events: page.events, whole: false }
      }
    } finally {
      open = undefined
      // If it can't go out, the connection is gone and the subscription with it.
      void o.send(closeFrame(page.sub))
    }
  }

  return {
    ask: async (filter, signal) => {
      for (let attempt = 0; attempt < MAX_TRIES; attempt++) {
        const answer = await once(filter, signal)
        if (answer === 'refused' || !('closed' in answer)) return answer
        if (!mayPass(answer.closed)) return 'refused'
        await o.clock.sleep(backoffMs(attempt, o.retry, o.random.fraction()), signal)
        if (signal.aborted) return 'refused'
      }
      return 'refused'
    },
    onEvent: (sub, raw) => {
      if (open?.sub !== sub || open.events.length >= MAX_EVENTS_A_PAGE) return
      if (typeof raw !== 'object' || raw === null) return
      const { id, created_at } = raw as { id?: unknown; created_at?: unknown }
      if (typeof id === 'string' && id.length === 64 && Number.isSafeInteger(created_at)) {
        open.events.push({ id, created_at: created_at as number })
      }
    },
    onEose: (sub) => {
      if (open?.sub === sub) open.end.resolve('eose')
    },
    onClosed: (sub, message) => {
      if (open?.sub === sub) open.end.resolve({ closed: message })
    },
  }
}

/** A relay that is busy may answer soon; one that wants AUTH is asked again when it has accepted us; the others mean it. */
const mayPass = (message: string): boolean => ['rate-limited', 'error', ''].includes(prefixOf(message))
