import { WebSocket, type ClientOptions } from 'ws'
import { Fault } from '../core/fault.js'
import type { RelayUrl } from '../core/types.js'
import type { Clock } from '../ports.js'
import { childOf, deferred, within } from './waiting.js'

/**
 * One WebSocket, from its handshake to its end. It ends when it breaks, when `signal` aborts, when `end` is called, or when
 * the other side has died silently: it sends nothing and does not answer a ping. That last one is how most long
 * connections end, and no error event tells of it.
 */
export interface Link {
  /** False when the link has ended before the text could go out. Waits while too much is buffered. */
  readonly send: (text: string) => Promise<boolean>
  /** Stops and resumes reading: the relay is made to wait by TCP itself. */
  pause(): void
  resume(): void
  end(reason: string): void
  /** Resolves with the reason when it is over. Never rejects. */
  readonly ended: Promise<string>
}

/** `ws` itself, or something that is used as it is. */
export type WebSocketClass = new (url: string, options: ClientOptions) => WebSocket

export interface LinkOptions {
  readonly url: RelayUrl
  readonly clock: Clock
  /** Default: that of `ws`. */
  readonly webSocket?: WebSocketClass | undefined
  readonly connectTimeoutMs: number
  /** A ping is sent when nothing has come for this long. */
  readonly pingAfterMs: number
  /** Without any sign of life for this long after a ping, the link is dead. */
  readonly pongTimeoutMs: number
  /** A longer frame ends the link (RFC 6455, 1009), after `onTooLong`. */
  readonly maxPayloadBytes: number
  readonly onTooLong?: (() => void) | undefined
  /** Senders wait while more than this is on its way out. */
  readonly maxBufferedBytes: number
  /** A whole text frame, as UTF-8. */
  readonly onText: (data: Buffer) => void
}

const MAX_WAITING_SENDERS = 10_000
/** A closing handshake is a courtesy. */
const CLOSE_GRACE_MS = 500

/** Rejects with a Fault('relay') when no connection can be had within `connectTimeoutMs`, or when `signal` aborts. */
export const openLink = async (o: LinkOptions, signal: AbortSignal): Promise<Link> => {
  if (signal.aborted) throw new Fault('relay', 'stopped')
  const socket = dial(o)
  const over = deferred<string>()
  const opened = deferred<true>()
  const life = childOf(signal)
  let reason: string | undefined
  let heardAt = o.clock.now()
  let buffered = 0
  const senders: (() => void)[] = []

  const wakeSenders = (): void => {
    for (const wake of senders.splice(0)) wake()
  }
  const finish = (why: string): void => {
    if (reason !== undefined) return
    reason = why
    life.abort()
    wakeSenders()
    over.resolve(why)
  }
  const heard = (): void => {
    heardAt = o.clock.now()
  }

  socket.on('open', () => opened.resolve(true))
  socket.on('error', (error) => {
    if ('code' in error && error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') o.onTooLong?.()
    finish(error.message)
  })
  socket.on('close', (code, words) => finish(`closed by the relay: ${code} ${words.toString().slice(0, 100)}`.trim()))
  socket.on('ping', heard)
  socket.on('pong', heard)
  socket.on('message', (data, isBinary) => {
    heard()
    // Nostr speaks text. With the default binaryType a text frame is one Buffer.
    if (reason === undefined && !isBinary && Buffer.isBuffer(data)) o.onText(data)
  })
  life.signal.addEventListener('abort', () => void hangUp(socket, o.clock, reason), { once: true })
  signal.addEventListener('abort', () => finish('stopped'), { once: true, signal: life.signal })

  const first = await within(o.clock, o.connectTimeoutMs, signal, Promise.race([opened.promise, over.promise]))
  if (first !== true) {
    finish(`no connection within ${o.connectTimeoutMs} ms`)
    throw new Fault('relay', await over.promise)
  }
  heard()

  const watch = async (): Promise<void> => {
    while (!life.signal.aborted) {
      await o.clock.sleep(Math.max(heardAt + o.pingAfterMs - o.clock.now(), 1), life.signal)
      // While we don't read, an answer can't reach us.
      if (socket.isPaused) heard()
      if (o.clock.now() - heardAt < o.pingAfterMs || socket.readyState !== WebSocket.OPEN) continue
      const before = heardAt
      socket.ping()
      await o.clock.sleep(o.pongTimeoutMs, life.signal)
      if (heardAt === before && !socket.isPaused) finish(`no sign of life for ${o.pingAfterMs + o.pongTimeoutMs} ms`)
    }
  }
  // Ends with the link's own life; nothing in it rejects.
  void watch()

  return {
    send: async (text) => {
      while (buffered > o.maxBufferedBytes && reason === undefined) {
        if (senders.length >= MAX_WAITING_SENDERS) return false
        await new Promise<void>((wake) => senders.push(wake))
      }
      if (reason !== undefined || socket.readyState !== WebSocket.OPEN) return false
      buffered += text.length
      socket.send(text, () => {
        buffered -= text.length
        if (buffered <= o.maxBufferedBytes) wakeSenders()
      })
      return true
    },
    pause: () => socket.pause(),
    resume: () => {
      heard()
      socket.resume()
    },
    end: finish,
    ended: over.promise,
  }
}

const dial = (o: LinkOptions): WebSocket => {
  try {
    return new (o.webSocket ?? WebSocket)(o.url, {
      handshakeTimeout: o.connectTimeoutMs,
      perMessageDeflate: false,
      followRedirects: false,
      maxPayload: o.maxPayloadBytes,
    })
  } catch (error) {
    // A URL that can't be dialled at all.
    throw new Fault('relay', error instanceof Error ? error.message : String(error), { cause: error })
  }
}

/** Says goodbye where that is possible, and lets go in any case. */
const hangUp = async (socket: WebSocket, clock: Clock, reason: string | undefined): Promise<void> => {
  if (socket.readyState === WebSocket.OPEN && reason === 'stopped') {
    const closed = new AbortController()
    socket.once('close', () => closed.abort())
    socket.resume()
    socket.close(1000)
    await clock.sleep(CLOSE_GRACE_MS, closed.signal)
  }
  // An error of a socket that we have let go of says nothing new; without a listener it would end the process.
  socket.terminate()
}
