import { WebSocket } from 'ws'
import type { NostrEvent } from '../../src/core/types.js'

/** What a writer sent, and what it was told. */
export interface Sent {
  readonly event: NostrEvent
  /** Undefined: no answer yet, the relay was killed before. */
  accepted: boolean | undefined
  reason: string
}

export interface Writer {
  /** Sends until the connection ends, first again what has no answer. Resolves when it has ended. */
  write(url: string): Promise<void>
}

const IN_FLIGHT = 40

/** One connection that keeps the relay busy. `next` undefined: that is enough; then it waits for its answers and ends. */
export const openWriter = (next: () => NostrEvent | undefined, sent: Map<string, Sent>, onSent: () => void): Writer => {
  const unanswered = new Map<string, Sent>()

  const write = (url: string): Promise<void> =>
    new Promise((resolve) => {
      const socket = new WebSocket(url, { perMessageDeflate: false })
      const again = [...unanswered.values()]
      let inFlight = 0

      const fill = (): void => {
        while (inFlight < IN_FLIGHT && socket.readyState === WebSocket.OPEN) {
          const one = again.shift() ?? fresh()
          if (one === undefined) break
          inFlight++
          socket.send(JSON.stringify(['EVENT', one.event]))
          onSent()
        }
        if (inFlight === 0) socket.close()
      }
      socket.on('open', fill)
      socket.on('message', (data: Buffer) => {
        const [verb, id, accepted, reason] = JSON.parse(data.toString()) as [string, string, boolean, string]
        const one = verb === 'OK' ? unanswered.get(id) : undefined
        if (one === undefined) return
        unanswered.delete(id)
        inFlight--
        one.accepted = accepted
        one.reason = reason
        fill()
      })
      // A relay that was killed: what matters is that the connection has ended.
      socket.on('error', () => undefined)
      socket.on('close', () => resolve())
    })

  const fresh = (): Sent | undefined => {
    const event = next()
    if (event === undefined) return undefined
    const one: Sent = { event, accepted: undefined, reason: '' }
    sent.set(event.id, one)
    unanswered.set(event.id, one)
    return one
  }

  return { write }
}
