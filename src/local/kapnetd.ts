import { backoffMs } from '../core/backoff.js'
import { Fault } from '../core/fault.js'
import type { Clock, LocalPort, Log, PortStatus, Random } from '../ports.js'
import { createAbortWatch } from './abort-watch.js'
import { kapnetdCalls, type KapnetdCalls } from './kapnetd-calls.js'
import { CLIENT_LIMITS, connectKapnetd, type ClientLimits } from './kapnetd-client.js'
import { readPages, type PagesOptions } from './kapnetd-pages.js'
import { kapnetdProfile, type KapnetdNames } from './kapnetd-profile.js'

export { defaultKapnetdSocket, kapnetdNameMistakes, type KapnetdNames } from './kapnetd-profile.js'

/** The local port of a Kapnet daemon (kapnetd-ipc.md). */
export interface KapnetdPortOptions extends Omit<PagesOptions, 'calls'> {
  readonly socket: string
  /** Names that differ from the profile's. */
  readonly profile?: KapnetdNames
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** What we say of ourselves. */
  readonly client?: { readonly name: string; readonly version: string }
  readonly limits?: Partial<ClientLimits>
  readonly backoff?: { readonly minMs: number; readonly maxMs: number }
  /** How often the ids are paged without being woken: a notification may be lost. */
  readonly pollMs?: number
}

const BACKOFF = { minMs: 250, maxMs: 30_000 }
const POLL_MS = 30_000

export const kapnetdPort = (o: KapnetdPortOptions): LocalPort => {
  const profile = kapnetdProfile(o.profile)
  const limits = { ...CLIENT_LIMITS, ...o.limits }
  const self = o.client ?? { name: 'ksp-bridge', version: '1' }
  const aborts = createAbortWatch()
  const whenOpen = new Set<() => void>()
  let calls: KapnetdCalls | undefined
  let failures = 0
  let status: PortStatus = { name: 'kapnetd', state: 'connecting', since: o.clock.now() }

  const opened = (open: KapnetdCalls, peer: Record<string, string | number>): void => {
    calls = open
    status = { name: 'kapnetd', state: 'open', since: o.clock.now(), peer }
    o.log.info('kapnetd.open', peer)
    for (const wake of whenOpen) wake()
  }

  const closed = (reason: string, isOutage: boolean): void => {
    // One line for each outage, not one for each try.
    if (isOutage && (status.state !== 'down' || status.reason !== reason)) {
      o.log.warn('kapnetd.down', {
        reason,
        hint: 'messages wait; start kapnetd, or mend local.kapnetd.socket in ksp.yaml',
      })
    }
    const since = status.state === 'down' ? status.since : o.clock.now()
    status = { name: 'kapnetd', state: 'down', since, reason }
  }

  /** One connection, from hello until it ends. Rejects with the Fault that ended it. */
  const session = async (signal: AbortSignal): Promise<never> => {
    const wakes = createWakes()
    const client = await connectKapnetd(
      { socket: o.socket, clock: o.clock, limits, onNotification: wakes.wake },
      signal,
    )
    client.ended.addEventListener('abort', wakes.wake)
    try {
      const fresh = kapnetdCalls(client, profile, limits.maxLineBytes)
      opened(fresh, await fresh.hello(self.name, self.version))
      // Before the first page, so that nothing falls between them.
      const refused = await fresh.subscribe()
      if (refused !== undefined) o.log.warn('kapnetd.subscribe.refused', { reason: refused })
      for (;;) {
        client.ended.throwIfAborted()
        const sleep = wakes.listen()
        await readPages({ ...o, calls: fresh }, client.ended)
        if (!client.ended.aborted) failures = 0
        await o.clock.sleep(o.pollMs ?? POLL_MS, sleep)
      }
    } finally {
      calls = undefined
      client.close('stopping')
    }
  }

  return {
    name: 'kapnetd',

    run: async (signal) => {
      const stopped = (): boolean => signal.aborted
      while (!stopped()) {
        const fault = await session(signal).catch(faultOnly)
        closed(fault.message, !stopped())
        await o.clock.sleep(backoffMs(failures++, o.backoff ?? BACKOFF, o.random.fraction()), signal)
      }
    },

    deliver: (message, signal) => {
      if (message.kind !== 'strand') return Promise.resolve(TXXMS_ONLY)
      if (calls === undefined)
        return Promise.reject(new Fault('kapnetd', `kapnetd is away: ${status.reason ?? 'not yet open'}`))
      return calls.submit(message, signal)
    },

    whenOpen: (signal) =>
      new Promise((resolve) => {
        if (calls !== undefined || signal.aborted) {
          resolve()
          return
        }
        const wake = (): void => {
          whenOpen.delete(wake)
          callOff()
          resolve()
        }
        const callOff = aborts.on(signal, wake)
        whenOpen.add(wake)
      }),

    status: () => status,
  }
}

/** A network failure goes away by itself; anything else is a bug and ends the process. */
const faultOnly = (thrown: unknown): Fault => {
  if (thrown instanceof Fault) return thrown
  throw thrown
}

/** A wake between `listen` and the sleep that uses its signal is not lost: the signal is aborted by then. */
const createWakes = (): { wake: () => void; listen: () => AbortSignal } => {
  let next = new AbortController()
  return {
    wake: () => next.abort(),
    listen: () => {
      next = new AbortController()
      return next.signal
    },
  }
}

const TXXMS_ONLY = { code: 'local-rejected', message: 'kapnetd takes TXXMs only' } as const
