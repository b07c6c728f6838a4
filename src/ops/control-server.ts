import { chmodSync, unlinkSync } from 'node:fs'
import { createConnection, createServer, type Socket } from 'node:net'
import { createLineCutter } from '../core/lines.js'
import { reasonOf } from '../core/fault.js'
import type { JsonObject, JsonValue } from '../core/types.js'
import type { Log } from '../ports.js'

/**
 * The Unix socket on which a running bridge listens for its own command line (cli.md). JSON lines: `{id, method, params}`
 * in, `{id, result}` or `{id, error: {code, message, hint?}}` out. Whoever may open the socket (mode 0600) is the operator.
 */
export type ControlHandler = (params: JsonObject, signal: AbortSignal) => Promise<unknown>

/** Thrown by a handler: an expected no, told to the caller as it is. */
export class ControlError extends Error {
  readonly code: string
  readonly hint: string | undefined

  constructor(code: string, message: string, hint?: string) {
    super(message)
    this.name = 'ControlError'
    this.code = code
    this.hint = hint
  }
}

export const MAX_CONTROL_LINE_BYTES = 8 * 1024 * 1024
const MAX_CONNECTIONS = 32
const MAX_OUTSTANDING = 64

export interface ControlServer {
  close(): Promise<void>
}

/** Resolves when it listens. Rejects where the path can't be bound. The caller holds the data folder's lock, so a socket file that is there is stale. */
export const openControl = async (
  path: string,
  handlers: Readonly<Record<string, ControlHandler>>,
  log: Log,
): Promise<ControlServer> => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    if (sockets.size >= MAX_CONNECTIONS) {
      socket.destroy()
      return
    }
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    serve(socket, handlers, log)
  })
  await removeStale(path)
  // The file must never be open to others, not even between bind and chmod.
  const mask = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, resolve)
    })
  } finally {
    process.umask(mask)
  }
  chmodSync(path, 0o600)
  server.on('error', (error) => log.warn('control.error', { reason: error.message }))
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

const removeStale = (path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const probe = createConnection(path)
    probe.once('connect', () => {
      probe.destroy()
      reject(new Error(`${path} is in use by another process`))
    })
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') unlinkSync(path)
      resolve()
    })
  })

const serve = (socket: Socket, handlers: Readonly<Record<string, ControlHandler>>, log: Log): void => {
  const gone = new AbortController()
  const cutter = createLineCutter(MAX_CONTROL_LINE_BYTES)
  /** Lines of one piece that was read, at most. */
  const waiting: string[] = []
  let outstanding = 0

  const answer = (id: JsonValue, rest: { result: unknown } | { error: unknown }): void => {
    if (!socket.destroyed) socket.write(JSON.stringify({ id, ...rest }) + '\n')
  }
  const handle = async (line: string): Promise<void> => {
    const request = parseRequest(line)
    if (request === undefined) {
      answer(null, {
        error: { code: 'bad-request', message: 'a request is one JSON object a line: {id, method, params}' },
      })
      return
    }
    const handler = Object.hasOwn(handlers, request.method) ? handlers[request.method] : undefined
    if (handler === undefined) {
      answer(request.id, { error: { code: 'unknown-method', message: `this bridge does not know ${request.method}` } })
      return
    }
    try {
      answer(request.id, { result: await handler(request.params, gone.signal) })
    } catch (error) {
      const known = error instanceof ControlError
      if (!known) log.error('control.failed', { method: request.method, reason: reasonOf(error) })
      answer(request.id, {
        error: {
          code: known ? error.code : 'failed',
          message: reasonOf(error),
          ...(known && error.hint !== undefined ? { hint: error.hint } : {}),
        },
      })
    }
  }

  /** A client that asks without end, or does not read, must not fill our memory with answers. */
  const mayAsk = (): boolean => outstanding < MAX_OUTSTANDING && !socket.writableNeedDrain
  const work = (): void => {
    while (mayAsk()) {
      const line = waiting.shift()
      if (line === undefined) {
        socket.resume()
        return
      }
      outstanding++
      // Never lost: `handle` answers every failure itself.
      void handle(line).finally(() => {
        outstanding--
        work()
      })
    }
    socket.pause()
  }

  socket.on('error', () => socket.destroy())
  socket.on('close', () => {
    waiting.length = 0
    gone.abort()
  })
  socket.on('drain', work)
  socket.on('data', (piece) => {
    const { lines, error } = cutter.push(piece)
    waiting.push(...lines)
    if (error === undefined) work()
    else socket.destroy()
  })
}

const parseRequest = (line: string): { id: JsonValue; method: string; params: JsonObject } | undefined => {
  try {
    const request = JSON.parse(line) as { id?: JsonValue; method?: unknown; params?: unknown } | null
    if (typeof request !== 'object' || request === null || typeof request.method !== 'string') return undefined
    const params = request.params ?? {}
    if (typeof params !== 'object' || Array.isArray(params)) return undefined
    return { id: request.id ?? null, method: request.method, params: params as JsonObject }
  } catch {
    return undefined
  }
}
