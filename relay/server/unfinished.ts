import type { Socket } from 'node:net'
import type { WebSocket } from 'ws'

/**
 * How much of a message has come that has not come to its end. The library keeps that to itself, so it is what the TCP
 * connection has read less what is known to have ended: a little too much where a message was read with the beginning of the
 * next one, never too little for long.
 */
export interface Unfinished {
  bytes(): number
  /** Since it was first seen to be unfinished. To be asked now and then. */
  forMs(nowMs: number): number
  /** We did not read: it is not the client's fault. */
  restart(): void
}

/** Before the payload of a client's control frame: two bytes, and its mask. */
const CONTROL_HEADER_BYTES = 6

export const openUnfinished = (webSocket: WebSocket, tcp: Pick<Socket, 'bytesRead'>): Unfinished => {
  let ended = tcp.bytesRead
  let messages = 0
  let seen: { readonly messages: number; readonly atMs: number } | undefined

  const control = (data: Buffer): void => {
    ended += data.length + CONTROL_HEADER_BYTES
  }
  webSocket.on('message', () => {
    ended = tcp.bytesRead
    messages++
  })
  webSocket.on('ping', control)
  webSocket.on('pong', control)

  const bytes = (): number => Math.max(0, tcp.bytesRead - ended)

  return {
    bytes,
    forMs: (nowMs) => {
      if (bytes() === 0) seen = undefined
      else if (seen?.messages !== messages) seen = { messages, atMs: nowMs }
      return seen === undefined ? 0 : nowMs - seen.atMs
    },
    restart: () => {
      seen = undefined
    },
  }
}
