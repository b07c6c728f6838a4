import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { WebSocket } from 'ws'

/** A client that keeps no rule, and counts what it is told: by the type of the message and the prefix of its reason. */
export interface BadClient {
  readonly webSocket: WebSocket
  send(...message: unknown[]): void
  sendText(text: string): void
  readonly answers: Readonly<Record<string, number>>
  /** Resolves when it was told so often, or the connection has ended. */
  told(what: string, times?: number): Promise<void>
  /** Of the end of the connection: the code. */
  readonly ended: Promise<number>
  readonly challenge: Promise<string>
}

/** What came of an attack. */
export type Outcome = Readonly<Record<string, number | string | boolean>>

export type Attack = (url: string) => Promise<Outcome>

export const openBadClient = async (url: string): Promise<BadClient> => {
  const webSocket = new WebSocket(url, { perMessageDeflate: false, maxPayload: 64 * 1024 * 1024 })
  const answers: Record<string, number> = {}
  const waiting = new Set<{ what: string; times: number; resolve: () => void }>()
  let hear: (challenge: string) => void = () => undefined
  const challenge = new Promise<string>((resolve) => {
    hear = resolve
  })

  const count = (what: string): void => {
    answers[what] = (answers[what] ?? 0) + 1
    for (const waiter of waiting) {
      if ((answers[waiter.what] ?? 0) < waiter.times) continue
      waiting.delete(waiter)
      waiter.resolve()
    }
  }

  webSocket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as unknown[]
    if (message[0] === 'AUTH') hear(String(message[1]))
    count(kindOf(message))
  })
  webSocket.on('error', () => undefined)
  const ended = new Promise<number>((resolve) => {
    webSocket.once('close', (code) => {
      for (const { resolve: wake } of waiting) wake()
      resolve(code)
    })
  })
  await once(webSocket, 'open')

  return {
    ...{ webSocket, answers, ended, challenge },
    send: (...message) => webSocket.send(JSON.stringify(message)),
    sendText: (text) => webSocket.send(text),
    told: (what, times = 1) =>
      (answers[what] ?? 0) >= times || webSocket.readyState !== webSocket.OPEN
        ? Promise.resolve()
        : new Promise((resolve) => waiting.add({ what, times, resolve })),
  }
}

/** `CLOSED rate-limited`, `OK true`, `EVENT`. */
const kindOf = (message: readonly unknown[]): string => {
  const [verb, second, third, fourth] = message
  const reason = verb === 'NOTICE' ? second : verb === 'OK' ? fourth : third
  if (verb === 'OK' && third === true) return 'OK true'
  if (verb !== 'NOTICE' && verb !== 'OK' && verb !== 'CLOSED' && verb !== 'NEG-ERR') return String(verb)
  return `${verb} ${String(reason).split(':')[0] ?? ''}`
}

/** A TCP connection on which frames are made by hand. */
export interface RawClient {
  readonly tcp: Socket
  /** The head of the answer to the handshake. */
  readonly head: string
  frame(opcode: number, payload: Buffer, flags?: { fin?: boolean; compressed?: boolean }): boolean
  /** Resolves with the code of the close frame, or 1006 where none came. */
  readonly ended: Promise<number>
}

export const openTcp = async (url: string): Promise<Socket> => {
  const { hostname, port } = new URL(url)
  const tcp = connect(Number(port), hostname)
  await once(tcp, 'connect')
  tcp.on('error', () => undefined)
  return tcp
}

export const openRawClient = async (url: string, headers = ''): Promise<RawClient> => {
  const tcp = await openTcp(url)
  tcp.write(
    `GET / HTTP/1.1\r\nHost: ${new URL(url).host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: ${Buffer.alloc(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n${headers}\r\n`,
  )
  const [first] = (await once(tcp, 'data')) as [Buffer]
  let code = 1006
  tcp.on('data', (data: Buffer) => {
    // Good enough: the relay says goodbye in a packet of its own, or at the end of one.
    const at = data.lastIndexOf(CLOSE_FRAME)
    if (at >= 0 && at + 4 <= data.length) code = data.readUInt16BE(at + 2)
  })
  const ended = new Promise<number>((resolve) => tcp.once('close', () => resolve(code)))
  return {
    tcp,
    ended,
    head: first.toString('latin1').split('\r\n\r\n')[0] ?? '',
    frame: (...frame) => tcp.write(frameOf(...frame)),
  }
}

const CLOSE_FRAME = Buffer.from([0x88])

/** As a client must: masked, here with zeros. */
export const frameOf = (
  opcode: number,
  payload: Buffer,
  { fin = true, compressed = false }: { fin?: boolean; compressed?: boolean } = {},
): Buffer => {
  const first = (fin ? 0x80 : 0) | (compressed ? 0x40 : 0) | opcode
  const length =
    payload.length < 126
      ? Buffer.from([0x80 | payload.length])
      : Buffer.from([0xfe, payload.length >> 8, payload.length & 255])
  return Buffer.concat([Buffer.from([first]), length, Buffer.alloc(4), payload])
}

export const times = <T>(count: number, make: (i: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))
