import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Fault, reasonOf } from '../../src/core/fault.js'
import type { Metrics } from '../../src/ops/metrics.js'
import { isKnownHost, isLoopback } from './hosts.js'

/**
 * Metrics and health, on a port of their own that clients of the relay do not reach. It answers three paths, keeps nothing
 * of a request, and has no way to change anything.
 */
export interface OpsServer {
  /** `http://HOST:PORT` */
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

export interface OpsPlace {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** It may be an address that other machines reach. */
  readonly isPublic?: boolean
  /** By which it may be asked, besides `localhost` and addresses. */
  readonly names?: readonly string[]
}

export interface OpsParts {
  readonly metrics: Pick<Metrics, 'text' | 'contentType'>
  /** Why the relay can't do its work now; none: it is ready. */
  readonly unready: () => readonly string[]
}

const MAX_CONNECTIONS = 32
const MAX_HEADER_BYTES = 8 * 1024
const MAX_HEADERS = 64
/** For a request to come in whole. */
const REQUEST_TIMEOUT_MS = 5_000
const IDLE_TIMEOUT_MS = 5_000

/** Rejects with a Fault that says what to do: of `options` where the place is not allowed. */
export const openOpsServer = async (place: OpsPlace, parts: OpsParts): Promise<OpsServer> => {
  const { host, port, names = [] } = place
  if (place.isPublic !== true && !isLoopback(host)) {
    throw new Fault('options', `--metrics ${host} is open to other machines: choose 127.0.0.1, or add --metrics-public`)
  }
  const http = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: IDLE_TIMEOUT_MS,
      connectionsCheckingInterval: REQUEST_TIMEOUT_MS,
    },
    // The promise can't be lost: `answer` never rejects.
    (request, response) => void answer(request, response, names, parts),
  )
  http.maxConnections = MAX_CONNECTIONS
  http.maxHeadersCount = MAX_HEADERS
  http.on('clientError', (_, socket) => socket.destroy())

  await new Promise<void>((resolve, reject) => {
    http.once('error', (error) => {
      const why = 'code' in error && error.code === 'EADDRINUSE' ? 'it is in use' : reasonOf(error)
      reject(new Fault('relay', `cannot listen on --metrics ${host}:${port}: ${why}`, { cause: error }))
    })
    http.listen(port, host, () => resolve())
  })
  const bound = (http.address() as AddressInfo).port

  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}`,
    port: bound,
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve())
        http.closeAllConnections()
      }),
  }
}

const TEXT = 'text/plain; charset=utf-8'
const JSON_TYPE = 'application/json'

const answer = async (
  request: IncomingMessage,
  response: ServerResponse,
  names: readonly string[],
  { metrics, unready }: OpsParts,
): Promise<void> => {
  const say = (status: number, type: string, body: string, headers: Readonly<Record<string, string>> = {}): void => {
    response.writeHead(status, {
      'content-type': type,
      'content-length': Buffer.byteLength(body),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      ...headers,
    })
    response.end(request.method === 'HEAD' ? undefined : body)
  }

  if (!isKnownHost(request.headers.host, names)) {
    say(421, TEXT, 'Ask by address, or by a name given with --metrics-name.\n', { connection: 'close' })
    return
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    say(405, TEXT, 'Only GET and HEAD.\n', { allow: 'GET, HEAD', connection: 'close' })
    return
  }
  const [path] = (request.url ?? '').split('?', 1)
  try {
    if (path === '/metrics') say(200, metrics.contentType, await metrics.text())
    else if (path === '/healthz') say(200, TEXT, 'alive\n')
    else if (path === '/readyz') {
      const reasons = unready()
      say(reasons.length === 0 ? 200 : 503, JSON_TYPE, `${JSON.stringify({ ready: reasons.length === 0, reasons })}\n`)
    } else say(404, TEXT, 'Only /metrics, /healthz and /readyz.\n')
  } catch {
    // A disk that can't be read, most likely; the reader comes again.
    if (!response.headersSent) say(500, TEXT, 'The numbers could not be read now.\n')
    else response.destroy()
  }
}
