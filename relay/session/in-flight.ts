import type { RelayLimits } from '../limits.js'
import type { Gate } from './gate.js'

/** EVENTs and AUTHs of one connection that have no answer yet: while there are too many of them, no more is read. */
export interface InFlight {
  enter(bytes: number): void
  leave(bytes: number): void
}

export const openInFlight = (
  gate: Gate,
  limits: Pick<RelayLimits, 'maxInFlightEvents' | 'maxInFlightBytes'>,
): InFlight => {
  let events = 0
  let bytes = 0
  let isFull = false

  return {
    enter: (size) => {
      events++
      bytes += size
      if (isFull || (events < limits.maxInFlightEvents && bytes < limits.maxInFlightBytes)) return
      isFull = true
      gate.shut('in-flight')
    },
    leave: (size) => {
      events--
      bytes -= size
      if (!isFull || events > limits.maxInFlightEvents / 2 || bytes > limits.maxInFlightBytes / 2) return
      isFull = false
      gate.open('in-flight')
    },
  }
}
