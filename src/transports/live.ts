import type { Clock } from '../ports.js'
import { closeFrame, reqFrame } from './frames.js'
import type { Source } from './inbox-filters.js'
import { deferred, within, type Deferred } from './waiting.js'

/**
 * The subscriptions that stay open. Each asks for one stored event only: the past is read in pages. `since` reaches as
 * far back as a message may be old, because an event of yesterday may be published today.
 */
export interface Live {
  /** Closes what is open and opens these. */
  open(sources: readonly Source[], since: number): Promise<void>
  /** Every one of them is open, and the relay has said EOSE to each. Waits for that, within limits. */
  settled(signal: AbortSignal): Promise<boolean>
  readonly isWhole: () => boolean
  /** True when it came live, and was not stored. */
  readonly isLive: (sub: string) => boolean
  onEose(sub: string): void
  /** True when one of ours was closed. */
  onClosed(sub: string): boolean
}

export interface LiveOptions {
  readonly clock: Clock
  readonly send: (text: string) => Promise<boolean>
  readonly isPaused: () => boolean
  readonly silenceMs: number
}

export const createLive = (o: LiveOptions): Live => {
  let round = 0
  let subs = new Map<string, { eose: boolean; closed: boolean; readonly answered: Deferred<undefined> }>()
  const isWhole = (): boolean => subs.size > 0 && [...subs.values()].every((s) => s.eose && !s.closed)

  return {
    open: async (sources, since) => {
      round++
      // The pages that follow cover what passes between the two. A relay with few subscriptions to give needs it so.
      for (const sub of subs.keys()) await o.send(closeFrame(sub))
      subs = new Map()
      for (const source of sources) {
        // A name of its own in each round: a late EOSE of the last one must not be taken for this one's.
        const sub = `live-${round}-${source.name}`
        subs.set(sub, { eose: false, closed: false, answered: deferred() })
        await o.send(reqFrame(sub, [{ ...source.filter, since, limit: 1 }]))
      }
    },
    settled: async (signal) => {
      const all = Promise.all([...subs.values()].map((s) => s.answered.promise)).then(() => true)
      let answered: boolean | undefined
      do answered = await within(o.clock, o.silenceMs, signal, all)
      while (answered === undefined && o.isPaused() && !signal.aborted)
      return isWhole()
    },
    isWhole,
    isLive: (sub) => subs.get(sub)?.eose === true,
    onEose: (sub) => {
      const known = subs.get(sub)
      if (known === undefined) return
      known.eose = true
      known.answered.resolve(undefined)
    },
    onClosed: (sub) => {
      const known = subs.get(sub)
      if (known === undefined) return false
      known.closed = true
      known.answered.resolve(undefined)
      return true
    },
  }
}
