import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import type { Connection } from '../session/connection.js'
import type { CutReason, Meters } from '../ops/meters.js'
import { framesOut } from './frames-out.js'
import { openUnfinished } from './unfinished.js'
import type { Wire } from './wire.js'

/** One WebSocket as the server holds it. */
export interface RelaySocket {
  /** Called once each ping interval: cuts a client that did not answer the last ping, and pings it again. */
  checkAlive(): void
  /** Cuts a client whose message does not come to its end. */
  checkMessage(nowMs: number, timeoutMs: number): void
  /** Messages that come from now on are not read. */
  hush(): void
  sayGoodbye(): void
  cut(reason?: CutReason): void
  readonly bufferedBytes: number
  /** Resolves when it has ended, whoever ended it. */
  readonly closed: Promise<void>
}

/** RFC 6455: going away. */
const GOING_AWAY = 1001

/** Joins a WebSocket and what is said on it. `stream` is the TCP stream below, to which our frames go. */
export const openSocket = (
  webSocket: WebSocket,
  stream: Duplex,
  tcp: Pick<Socket, 'bytesRead'>,
  connect: (wire: Wire) => Connection,
  onClosed: () => void,
  urls: readonly string[],
  meters: Pick<Meters, 'messages' | 'clients'>,
): RelaySocket => {
  let alive = true
  let awaitsPong = false
  let hushed = false
  let isCut = false

  const countCut = (reason: CutReason): void => {
    if (!isCut) meters.clients.cutOff[reason]++
    isCut = true
  }

  const cut = (reason: CutReason): void => {
    countCut(reason)
    webSocket.terminate()
  }

  const isOpen = (): boolean => webSocket.readyState === webSocket.OPEN
  const out = framesOut(isOpen, (block) => void stream.write(block))
  const bufferedBytes = (): number => webSocket.bufferedAmount + out.waitingBytes

  const unfinished = openUnfinished(webSocket, tcp)

  const wire: Wire = {
    urls,
    send: (frame) => {
      if (isOpen()) out.add(frame)
    },
    bufferedBytes,
    unfinishedBytes: unfinished.bytes,
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
    cut,
  }
  const connection = connect(wire)

  webSocket.on('message', (data: RawData, isBinary: boolean) => {
    alive = true
    meters.messages.received++
    if (hushed) return
    if (isBinary) {
      connection.receiveBinary(asBuffer(data).length)
      return
    }
    const bytes = asBuffer(data)
    connection.receive(bytes.toString('utf8'), bytes.length)
  })
  webSocket.on('ping', () => {
    alive = true
    connection.pinged()
  })
  webSocket.on('pong', () => {
    alive = true
    // One that nobody asked for is allowed, and must not cost less than a ping.
    if (!awaitsPong) connection.pinged()
    awaitsPong = false
  })
  // Bad frames, messages beyond maxPayload, a reset: `close` follows, and that is where it ends.
  webSocket.on('error', (error) => {
    const reason = reasonOfError(error)
    if (reason !== undefined) countCut(reason)
  })
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
        cut('no-pong')
        return
      }
      alive = false
      if (!isOpen()) return
      awaitsPong = true
      webSocket.ping()
    },
    checkMessage: (nowMs, timeoutMs) => {
      if (webSocket.isPaused) unfinished.restart()
      else if (unfinished.forMs(nowMs) > timeoutMs) cut('protocol')
    },
    hush: () => {
      hushed = true
    },
    sayGoodbye: () => {
      hushed = true
      // Nothing may follow the goodbye; and its answer to that must be read.
      out.flush()
      webSocket.resume()
      webSocket.close(GOING_AWAY, 'the relay is stopping')
    },
    cut: (reason) => {
      if (reason === undefined) webSocket.terminate()
      else cut(reason)
    },
    get bufferedBytes() {
      return bufferedBytes()
    },
    closed,
  }
}

/** Why the library ended it; undefined where the client or the network did. */
const reasonOfError = (error: Error): CutReason | undefined => {
  const code = 'code' in error ? error.code : undefined
  if (typeof code !== 'string' || !code.startsWith('WS_ERR_')) return undefined
  return code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' ? 'too-long' : 'protocol'
}

const asBuffer = (data: RawData): Buffer =>
  Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)
