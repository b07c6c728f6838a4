import type { Duplex } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import { noticeFrame } from '../session/answers.js'
import type { Connection } from '../session/connection.js'
import type { Wire } from './wire.js'

/** One WebSocket as the server holds it. */
export interface RelaySocket {
  /** Called once each ping interval: cuts a client that did not answer the last ping, and pings it again. */
  checkAlive(): void
  /** Messages that come from now on are not read. */
  hush(): void
  sayGoodbye(): void
  cut(): void
  /** Resolves when it has ended, whoever ended it. */
  readonly closed: Promise<void>
}

/** RFC 6455: going away. */
const GOING_AWAY = 1001

/** Joins a WebSocket and what is said on it. `stream` is the TCP stream below, for writing many frames at once. */
export const openSocket = (
  webSocket: WebSocket,
  stream: Duplex,
  connect: (wire: Wire) => Connection,
  onClosed: () => void,
  urls: readonly string[] = [],
): RelaySocket => {
  let alive = true
  let hushed = false

  const wire: Wire = {
    urls,
    send: (frame) => {
      if (webSocket.readyState === webSocket.OPEN) webSocket.send(frame)
    },
    together: (work) => {
      stream.cork()
      try {
        return work()
      } finally {
        stream.uncork()
      }
    },
    bufferedBytes: () => webSocket.bufferedAmount,
    drained: () =>
      new Promise((resolve) => {
        if (stream.destroyed || !stream.writableNeedDrain) {
          setImmediate(resolve)
          return
        }
        const end = (): void => {
          stream.off('drain', end)
          stream.off('close', end)
          resolve()
        }
        stream.on('drain', end)
        stream.on('close', end)
      }),
    pause: () => webSocket.pause(),
    resume: () => webSocket.resume(),
    cut: () => webSocket.terminate(),
  }
  const connection = connect(wire)

  webSocket.on('message', (data: RawData, isBinary: boolean) => {
    alive = true
    if (hushed) return
    if (isBinary) {
      wire.send(noticeFrame('invalid: messages are text, not binary'))
      return
    }
    const bytes = asBuffer(data)
    connection.receive(bytes.toString('utf8'), bytes.length)
  })
  webSocket.on('pong', () => {
    alive = true
  })
  // Bad frames, messages beyond maxPayload, a reset: `close` follows, and that is where it ends.
  webSocket.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => {
    webSocket.on('close', () => {
      connection.closed()
      onClosed()
      resolve()
    })
  })

  return {
    checkAlive: () => {
      // While we do not read, we can't see its pong.
      if (!alive && !webSocket.isPaused) {
        webSocket.terminate()
        return
      }
      alive = false
      if (webSocket.readyState === webSocket.OPEN) webSocket.ping()
    },
    hush: () => {
      hushed = true
    },
    sayGoodbye: () => {
      hushed = true
      // Its answer to our goodbye must be read.
      webSocket.resume()
      webSocket.close(GOING_AWAY, 'the relay is stopping')
    },
    cut: () => webSocket.terminate(),
    closed,
  }
}

const asBuffer = (data: RawData): Buffer =>
  Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)
