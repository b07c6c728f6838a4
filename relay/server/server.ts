import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { Fault, reasonOf } from '../../src/core/fault.js'
import type { Connection } from '../session/connection.js'
import { clientOf, openAddresses } from './addresses.js'
import { CORS_HEADERS, MANAGED_CORS_HEADERS, NIP11_TYPE, wantsDocument } from './document.js'
import type { RelayLimits } from '../limits.js'
import { isManagement } from '../manage/management.js'
import type { Management } from '../manage/management.js'
import { normalAddress } from '../manage/params.js'
import type { Meters, TurnedAwayReason } from '../ops/meters.js'
import { pathOf, urlsOfPlace } from './place.js'
import { openSocket } from './socket.js'
import type { RelaySocket } from './socket.js'
import type { Wire } from './wire.js'

/** HTTP and WebSocket on one port: the document and the handshake. What is said on a connection is connection.ts's. */
export interface RelayServer {
  readonly port: number
  /** How many are connected. */
  readonly connections: number
  /** Bytes that wait in memory for clients to read them. */
  readonly bufferedBytes: number
  /** On the TCP connections of clients, since the start. */
  traffic(): { readonly received: number; readonly sent: number }
  /** Ends what is open from a normal address. */
  cutAddress(address: string): void
  /** Takes nothing new in, neither connections nor messages. What is under way goes on. */
  hush(): void
  /** Says goodbye to every client; those that do not answer by the deadline are cut off. */
  close(deadlineMs: number): Promise<void>
}

export interface ServerParts {
  readonly host: string
  readonly port: number
  readonly limits: RelayLimits
  readonly name: () => string
  /** NIP-86. Absent: nobody manages the relay, and a POST is answered 405. */
  readonly management?: Management
  /** Whose connections are not taken; asked of a normal address (params.ts). */
  readonly isBlocked?: (address: string) => boolean
  /** Where WebSockets are taken (place.ts). */
  readonly paths: ReadonlySet<string>
  /** The NIP-11 document, as JSON text. */
  readonly document: () => string
  readonly connect: (wire: Wire) => Connection
  /** Addresses of proxies that say for whom they stand. */
  readonly proxies?: readonly string[]
  /** Cuts off whoever holds too much. */
  readonly checkMemory: () => void
  readonly meters: Pick<Meters, 'messages' | 'clients' | 'bytes'>
}

/** How often it is looked whether somebody takes too long, or all together hold too much. */
const WATCH_INTERVAL_MS = 1_000
const MAX_HEADER_BYTES = 16 * 1024
const MAX_REQUESTS_A_SOCKET = 100
/** Frames of one message, and pieces in which they come: each costs more than its bytes. */
const MAX_FRAGMENTS = 1_024
const MAX_CHUNKS = 16_384

const TURNED_AWAY: Readonly<Record<TurnedAwayReason, string>> = {
  full: '503 Service Unavailable',
  blocked: '403 Forbidden',
  path: '404 Not Found',
  'address-limit': '429 Too Many Requests',
}

/** Rejects with a Fault('relay') that says what to do when it can't listen. */
export const listen = async (parts: ServerParts): Promise<RelayServer> => {
  const { limits, meters } = parts
  const sockets = new Map<RelaySocket, { readonly tcp: Socket; readonly address: string }>()
  const proxies = parts.proxies ?? []
  const addresses = openAddresses(limits.maxConnectionsPerAddress, proxies)
  const http = createServer(
    {
      headersTimeout: limits.handshakeTimeoutMs,
      requestTimeout: limits.handshakeTimeoutMs,
      keepAliveTimeout: limits.handshakeTimeoutMs,
      connectionsCheckingInterval: WATCH_INTERVAL_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    (request, response) => answerHttp(request, response, parts),
  )
  http.maxRequestsPerSocket = MAX_REQUESTS_A_SOCKET
  // Some more than WebSockets, so that the document can be read when the relay is full.
  http.maxConnections = limits.maxConnections + 64
  const handshakes = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    // What is longer than a message may be, but not much, gets a clear answer first (frames.ts).
    maxPayload: 2 * limits.maxMessageBytes,
    maxFragments: MAX_FRAGMENTS,
    maxBufferedChunks: MAX_CHUNKS,
  })
  let hushed = false

  // Counted as TCP connections: one that never says what it wants takes a place as well.
  http.on('connection', (tcp) => {
    const leave = addresses.enter(tcp.remoteAddress)
    if (leave === undefined) turnAway(tcp, 'address-limit')
    else tcp.once('close', leave)
  })

  const turnAway = (stream: Duplex, why: TurnedAwayReason): void => {
    meters.clients.turnedAway[why]++
    stream.on('error', () => stream.destroy())
    stream.end(`HTTP/1.1 ${TURNED_AWAY[why]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => stream.destroy())
  }

  http.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    // Before all: whoever is turned away may be gone before it hears so.
    stream.on('error', () => stream.destroy())
    if (hushed || sockets.size >= limits.maxConnections) {
      turnAway(stream, 'full')
      return
    }
    if (!parts.paths.has(pathOf(request.url ?? ''))) {
      turnAway(stream, 'path')
      return
    }
    const tcp = request.socket
    const client = clientOf(tcp.remoteAddress, request.headers['x-forwarded-for'], proxies)
    const address = normalAddress(client ?? tcp.remoteAddress ?? '')
    if (parts.isBlocked?.(address) === true) {
      turnAway(stream, 'blocked')
      return
    }
    const leave = addresses.enter(client)
    if (leave === undefined) {
      turnAway(stream, 'address-limit')
      return
    }
    tcp.once('close', leave)
    const urls = urlsOfPlace(tcp.localAddress, tcp.localPort)
    handshakes.handleUpgrade(request, stream, head, (webSocket) => {
      const ended = (): void => {
        if (!sockets.delete(socket)) return
        meters.bytes.received += tcp.bytesRead
        meters.bytes.sent += tcp.bytesWritten
        meters.clients.connected--
      }
      const socket: RelaySocket = openSocket(webSocket, stream, tcp, parts.connect, ended, urls, meters)
      sockets.set(socket, { tcp, address })
      meters.clients.connected++
    })
  })

  const keepalive = setInterval(() => {
    for (const socket of sockets.keys()) socket.checkAlive()
  }, limits.pingIntervalMs)
  keepalive.unref()
  const watch = setInterval(() => {
    for (const socket of sockets.keys()) socket.checkMessage(performance.now(), limits.messageTimeoutMs)
    parts.checkMemory()
  }, WATCH_INTERVAL_MS)
  watch.unref()

  await started(http, parts.host, parts.port)

  return {
    port: (http.address() as AddressInfo).port,
    get connections() {
      return sockets.size
    },
    get bufferedBytes() {
      let bytes = 0
      for (const socket of sockets.keys()) bytes += socket.bufferedBytes
      return bytes
    },
    traffic: () => {
      let { received, sent } = meters.bytes
      for (const { tcp } of sockets.values()) {
        received += tcp.bytesRead
        sent += tcp.bytesWritten
      }
      return { received, sent }
    },
    cutAddress: (blocked) => {
      for (const [socket, { address }] of sockets) if (address === blocked) socket.cut('blocked')
    },
    hush: () => {
      hushed = true
      for (const socket of sockets.keys()) socket.hush()
    },
    close: async (deadlineMs) => {
      hushed = true
      clearInterval(keepalive)
      clearInterval(watch)
      const allClosed = new Promise<void>((resolve) => http.close(() => resolve()))
      http.closeIdleConnections()
      for (const socket of sockets.keys()) socket.sayGoodbye()
      const cutAll = setTimeout(() => {
        for (const socket of sockets.keys()) socket.cut()
        http.closeAllConnections()
      }, deadlineMs)
      await Promise.all([allClosed, ...[...sockets.keys()].map((socket) => socket.closed)])
      clearTimeout(cutAll)
    },
  }
}

const started = (http: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    http.once('error', (error) => reject(new Fault('relay', advice(error, host, port), { cause: error })))
    http.listen(port, host, () => resolve())
  })

const advice = (error: Error, host: string, port: number): string => {
  const code = 'code' in error ? error.code : undefined
  const place = `${host}:${port}`
  if (code === 'EADDRINUSE') return `${place} is in use: stop the other program, or choose another port with --listen`
  if (code === 'EACCES') return `${place} may not be used by this user: choose a port above 1023 with --listen`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return `${host} is no address of this machine: choose one that is with --listen, such as 127.0.0.1:${port}`
  }
  return `cannot listen on ${place}: ${reasonOf(error)}`
}

const answerHttp = (request: IncomingMessage, response: ServerResponse, parts: ServerParts): void => {
  const answer = (status: number, type: string, body: string): void => {
    response.writeHead(status, {
      ...CORS_HEADERS,
      ...(status === 401 ? { 'www-authenticate': 'Nostr' } : {}),
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      vary: 'accept',
    })
    response.end(request.method === 'HEAD' ? undefined : body)
  }
  // Taken now: a request that is over has none any more.
  const { socket } = request
  /** For a request whose body was not read. */
  const endAfter = (): void => {
    response.setHeader('connection', 'close')
    response.once('finish', () => socket.destroySoon())
  }
  if (request.method === 'OPTIONS') {
    response.writeHead(204, parts.management === undefined ? CORS_HEADERS : MANAGED_CORS_HEADERS)
    response.end()
  } else if (parts.management !== undefined && isManagement(request) && parts.paths.has(pathOf(request.url ?? ''))) {
    const { localAddress, localPort } = socket
    // The promise can't be lost: `answer` never rejects.
    void parts.management.answer(request, urlsOfPlace(localAddress, localPort)).then(({ status, body }) => {
      if (status !== 200) endAfter()
      answer(status, 'application/json', body)
    })
  } else if (request.method !== 'GET' && request.method !== 'HEAD') {
    endAfter()
    const managed =
      'Only GET, HEAD, OPTIONS, and POST of application/nostr+json+rpc to the URL of the relay (NIP-86).\n'
    answer(405, 'text/plain; charset=utf-8', parts.management === undefined ? 'Only GET, HEAD and OPTIONS.\n' : managed)
  } else if (wantsDocument(request.headers.accept)) {
    answer(200, NIP11_TYPE, parts.document())
  } else {
    const words = `${parts.name()}: a Nostr relay. Connect with a Nostr client over WebSocket.\n`
    answer(200, 'text/plain; charset=utf-8', words)
  }
}
