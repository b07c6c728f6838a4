import { existsSync } from 'node:fs'
import { createConnection } from 'node:net'
import type { Socket } from 'node:net'
import { resolve as absolute } from 'node:path'
import { Fault } from '../../src/core/fault.js'
import { createLineCutter } from '../../src/core/lines.js'
import { silentLog } from '../log.js'
import { openEventStore } from '../store/store.js'
import type { EventStore } from '../store/store.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import { controlPath } from './control-path.js'
import { OPERATIONS } from './operation.js'
import type { OperationName } from './operation.js'

/** A page of events, each of which may have a megabyte and be escaped. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024

export interface Request {
  /** The relay's file. */
  readonly file: string
  readonly params?: Readonly<Record<string, unknown>>
  /** What the operation says on its way. More is read when it resolves. */
  readonly take?: (item: unknown) => Promise<void> | void
  readonly signal?: AbortSignal
  /** Also a damaged file is opened, to save what can be read. */
  readonly salvage?: boolean
}

export interface Done {
  readonly result: unknown
  /** A running relay did it. */
  readonly online: boolean
}

/** Has it done by the relay that runs on the file, or does it here where none does. Rejects with a Fault that says what to do. */
export const perform = async (name: OperationName, request: Request): Promise<Done> => {
  const file = absolute(request.file)
  if (!existsSync(file)) throw new Fault('relay', `${request.file} does not exist: name the relay's file with --db`)
  const socket = await connected(file)
  if (socket !== undefined) return { result: await asked(socket, name, request), online: true }
  const store = openSound(file, request.salvage === true)
  try {
    const result = await OPERATIONS[name]({
      ...{ db: store.database, store, file, params: request.params ?? {}, online: false },
      say: async (item) => request.take?.(item),
      signal: request.signal ?? new AbortController().signal,
    })
    return { result, online: false }
  } finally {
    store.close()
  }
}

const openSound = (file: string, salvage: boolean): EventStore => {
  try {
    return openEventStore(file, nodeHashes, { log: silentLog })
  } catch (error) {
    if (!salvage) throw error
    return openEventStore(file, nodeHashes, { log: silentLog, check: false })
  }
}

/** Undefined where no relay listens. */
const connected = (file: string): Promise<Socket | undefined> =>
  new Promise((resolve) => {
    const path = controlPath(file)
    if (path === undefined || !existsSync(path)) {
      resolve(undefined)
      return
    }
    const socket = createConnection(path)
    socket.once('error', () => resolve(undefined))
    socket.once('connect', () => resolve(socket))
  })

/** Whether a relay runs on the file, as far as its socket tells. */
export const isServed = async (file: string): Promise<boolean> => {
  const socket = existsSync(file) ? await connected(file) : undefined
  socket?.destroy()
  return socket !== undefined
}

/** No output may take the name of a file that a relay writes to, whatever --force says: all it takes in then would be lost. */
export const refuseServed = async (file: string): Promise<void> => {
  if (await isServed(file)) throw new Fault('relay', `a relay has ${file} open: choose another name`)
}

const asked = async (socket: Socket, name: OperationName, request: Request): Promise<unknown> => {
  const cutter = createLineCutter(MAX_ANSWER_BYTES)
  const give = (): void => void socket.destroy()
  request.signal?.addEventListener('abort', give, { once: true })
  try {
    socket.write(`${JSON.stringify({ do: name, params: request.params ?? {} })}\n`)
    for await (const piece of socket as AsyncIterable<Buffer>) {
      const { lines, error } = cutter.push(piece)
      for (const line of lines) {
        const answer = JSON.parse(line) as { item?: unknown; done?: unknown; error?: unknown }
        if ('error' in answer) throw new Fault('relay', String(answer.error))
        if ('done' in answer) return answer.done
        await request.take?.(answer.item)
      }
      if (error !== undefined) break
    }
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Fault('relay', 'the relay ended the connection: look at its log', { cause: error })
  } finally {
    request.signal?.removeEventListener('abort', give)
    socket.destroy()
  }
  throw new Fault('relay', 'the relay ended the connection: look at its log')
}
