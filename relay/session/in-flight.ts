import type { RelayLimits } from '../limits.js'
import type { Wire } from '../server/wire.js'

/** EVENTs and AUTHs of one connection that have no answer yet: while there are too many of them, no more is read. */
export interface InFlight {
  enter(bytes: number): void
  leave(bytes: number): void
}

export const openInFlight = (
  wire: Pick<Wire, 'pause' | 'resume'>,
  limits: Pick<RelayLimits, 'maxInFlightEvents' | 'maxInFlightBytes'>,
): InFlight => {
  let events = 0
  let bytes = 0
  let paused = false

  const setPaused = (wanted: boolean): void => {
    if (wanted === paused) return
    paused = wanted
    if (paused) wire.pause()
    else wire.resume()
  }

  return {
    enter: (size) => {
      events++
      bytes += size
      if (events >= limits.maxInFlightEvents || bytes >= limits.maxInFlightBytes) setPaused(true)
    },
    leave: (size) => {
      events--
      bytes -= size
      if (events <= limits.maxInFlightEvents / 2 && bytes <= limits.maxInFlightBytes / 2) setPaused(false)
    },
  }
}
