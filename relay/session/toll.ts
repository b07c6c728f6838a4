import type { Gate } from './gate.js'

/**
 * What a client pays for making us work in vain: messages that are refused for their form, their signature or their number,
 * pings, and CLOSE of what is not open. So many a second, ten seconds' worth at once; beyond, the connection is not read
 * until the debt is paid. That is better than to cut it off: who comes back at once costs a handshake more.
 */
export interface Toll {
  /** For one message. */
  charge(bytes: number, times?: number): void
  close(): void
}

const BURST_SEC = 10
/** A long message costs more than a short one. */
const BYTES_A_UNIT = 16 * 1024
/** However much is owed. */
const MAX_PAUSE_MS = 30_000
const MIN_PAUSE_MS = 50

/** `perSecond` 0: it costs nothing. */
export const openToll = (perSecond: number, gate: Gate, clockMs: () => number = () => performance.now()): Toll => {
  const most = perSecond * BURST_SEC
  let left = most
  let at = clockMs()
  let timer: NodeJS.Timeout | undefined

  return {
    charge: (bytes, times = 1) => {
      if (perSecond === 0) return
      const now = clockMs()
      left = Math.min(most, left + ((now - at) / 1_000) * perSecond) - times - Math.floor(bytes / BYTES_A_UNIT)
      at = now
      if (left >= 0 || timer !== undefined) return
      gate.shut('toll')
      const pauseMs = Math.min(MAX_PAUSE_MS, Math.max(MIN_PAUSE_MS, (-left / perSecond) * 1_000))
      timer = setTimeout(() => {
        timer = undefined
        gate.open('toll')
      }, pauseMs)
      timer.unref()
    },
    close: () => clearTimeout(timer),
  }
}
