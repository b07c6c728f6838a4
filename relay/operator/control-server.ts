import { chmodSync, lstatSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Socket } from 'node:net'
import { Fault, reasonOf } from '../../src/core/fault.js'
import { createLineCutter } from '../../src/core/lines.js'
import type { Log } from '../../src/ports.js'
import { controlPath } from './control-path.js'
import { isOperation, OPERATIONS } from './operation.js'
import type { EventStore } from '../store/store.js'

/**
 * The Unix socket beside the database on which a running relay does what an operator's verbs ask for. One connection, one request, a
 * line of JSON: `{do, params}`; then lines `{item}`, and last `{done}` or `{error}`. Whoever may open the socket (mode 0600) may read
 * the file too.
 */
export interface Control {
  close(): Promise<void>
}

const MAX_REQUEST_BYTES = 64 * 1024
const MAX_CONNECTIONS = 8
/** Who says nothing is sent away. */
const REQUEST_TIMEOUT_MS = 5_000
/** For the last words, when the relay stops: who does not read them by then is not waited for. */
const GOODBYE_MS = 500

/** Never rejects: a relay without its socket still serves. */
export const openControl = async (
  store: Pick<EventStore, 'database' | 'isServed'>,
  file: string,
  log: Log,
): Promise<Control> => {
  const stop = new AbortController()
  const running = new Set<Promise<void>>()
  const sockets = new Set<Socket>()
  let busy = false

  const work = async (line: string, socket: Socket, gone: AbortSignal): Promise<void> => {
    const tell = (answer: Readonly<Record<string, unknown>>): boolean =>
      socket.destroyed || socket.write(`${JSON.stringify(answer)}\n`)
    const request = readRequest(line)
    if (request === undefined) return void tell({ error: 'the request is not one this relay knows' })
    // One at a time: a copy of a file that is being shrunk would start again and again.
    if (busy) return void tell({ error: 'another backup, export, stats or compact is under way: wait for its end' })
    busy = true
    try {
      const done = await OPERATIONS[request.do]({
        ...{ db: store.database, store, file, params: request.params, online: true },
        signal: AbortSignal.any([stop.signal, gone]),
        say: async (item) => {
          if (!tell({ item })) await drained(socket, stop.signal)
        },
      })
      tell({ done })
    } catch (error) {
      log.warn('control-failed', { do: request.do, reason: reasonOf(error) })
      tell({ error: reasonOf(error) })
    } finally {
      busy = false
    }
  }

  const server = createServer((socket) => {
    const cutter = createLineCutter(MAX_REQUEST_BYTES)
    const gone = new AbortController()
    let asked = false
    sockets.add(socket)
    socket.setTimeout(REQUEST_TIMEOUT_MS, () => socket.destroy())
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      sockets.delete(socket)
      gone.abort()
    })
    socket.on('data', (piece) => {
      const { lines, error } = cutter.push(piece)
      const [line] = lines
      if (asked || error !== undefined) socket.destroy()
      else if (line !== undefined) {
        asked = true
        socket.setTimeout(0)
        // Never lost: `work` answers every failure itself, and `close` waits for it.
        const task = work(line, socket, gone.signal).finally(() => {
          running.delete(task)
          socket.end()
        })
        running.add(task)
      }
    })
  })
  server.maxConnections = MAX_CONNECTIONS

  try {
    const path = controlPath(file)
    if (path !== undefined) await bound(server, path)
  } catch (error) {
    log.warn('control-off', { reason: reasonOf(error) })
  }
  server.on('error', (error) => log.warn('control-error', { reason: error.message }))

  return {
    close: async () => {
      stop.abort(new Fault('relay', 'the relay is stopping'))
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      await Promise.allSettled(running)
      // An export that is read page by page, or a verb that was suspended, must not hold up the end.
      const cut = setTimeout(() => {
        for (const socket of sockets) socket.destroy()
      }, GOODBYE_MS)
      await closed
      clearTimeout(cut)
    },
  }
}

const bound = async (server: ReturnType<typeof createServer>, path: string): Promise<void> => {
  // Whoever holds the file's lock is the only relay on it, so a socket that is there was left behind. Nothing else is removed.
  const there = lstatSync(path, { throwIfNoEntry: false })
  if (there !== undefined && !there.isSocket()) throw new Fault('relay', `${path} is no socket: move it away`)
  rmSync(path, { force: true })
  // Never open to others, not even between bind and chmod.
  const mask = process.umask(0o177)
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(path, () => {
        server.off('error', reject)
        resolve()
      })
    })
  } finally {
    process.umask(mask)
  }
  chmodSync(path, 0o600)
}

const readRequest = (
  line: string,
): { do: keyof typeof OPERATIONS; params: Readonly<Record<string, unknown>> } | undefined => {
  try {
    const request = JSON.parse(line) as { do?: unknown; params?: unknown } | null
    if (!isOperation(request?.do)) return undefined
    const { params = {} } = request
    if (typeof params !== 'object' || params === null || Array.isArray(params)) return undefined
    return { do: request.do, params: params as Readonly<Record<string, unknown>> }
  } catch {
    return undefined
  }
}

/** Also when the relay stops: whoever reads nothing is not waited for. */
const drained = (socket: Socket, stopping: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const end = (): void => {
      socket.off('drain', end)
      socket.off('close', end)
      stopping.removeEventListener('abort', end)
      resolve()
    }
    if (socket.destroyed || stopping.aborted || !socket.writableNeedDrain) {
      end()
      return
    }
    socket.on('drain', end)
    socket.on('close', end)
    stopping.addEventListener('abort', end)
  })
