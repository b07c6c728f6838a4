import { monitorEventLoopDelay } from 'node:perf_hooks'

export interface LoopLag {
  /** Median, 99th percentile and worst since the last call, in seconds. */
  read(): Readonly<Record<'0.5' | '0.99' | '1', number>>
  stop(): void
}

const RESOLUTION_MS = 20

/** How late the event loop is: what every client of the relay waits for at least. */
export const watchLoopLag = (): LoopLag => {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delays.enable()
  // What is measured is the time between two wakings; the lag is what was more than asked for.
  const lag = (ns: number): number => Math.max(0, ns / 1e9 - RESOLUTION_MS / 1e3)
  return {
    read: () => {
      if (delays.count === 0) return { '0.5': 0, '0.99': 0, '1': 0 }
      const lags = { '0.5': lag(delays.percentile(50)), '0.99': lag(delays.percentile(99)), '1': lag(delays.max) }
      delays.reset()
      return lags
    },
    stop: () => void delays.disable(),
  }
}
