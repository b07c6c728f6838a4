import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { startChild, type Child } from '../../src/ops/child.js'
import { canonical } from '../../src/core/canonical.js'
import type { JsonObject, JsonValue, MessageId, Pubkey } from '../../src/core/types.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import type { Message } from '../../src/ports.js'

/** Built code: child processes run what is built. */
export const kapnetdProgram = fileURLToPath(new URL('../../dist/src/kapnetd/main.js', import.meta.url))

/** A folder for one test, with a mode of 0700. */
export const makeFolder = async (): Promise<{ folder: string; remove: () => Promise<void> }> => {
  const folder = await mkdtemp(join(tmpdir(), 'kapnetd-'))
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) }
}

/** Starts a kapnetd of its own process on `folder/k.sock` and `folder/k.sqlite`, and waits until it is ready. */
export const startKapnetd = async (folder: string, session = 'herm-test'): Promise<Child & { socket: string }> => {
  const socket = join(folder, 'k.sock')
  const args = ['--socket', socket, '--db', join(folder, 'k.sqlite'), '--session', session]
  const child = startChild(kapnetdProgram, args)
  await child.line(/^ready /)
  return { ...child, socket }
}

/** A client that checks nothing: lines out, lines in. */
export interface RawClient {
  readonly socket: Socket
  write(bytes: string | Uint8Array): void
  /** The next line, in order; rejects when the other side has closed. */
  line(): Promise<string>
  /** Sends a request and resolves with the whole answer. Only for one request at a time. */
  call(method: string, params?: JsonValue): Promise<JsonObject>
  readonly closed: Promise<void>
  close(): void
}

export const rawClient = async (path: string): Promise<RawClient> => {
  const socket = connect(path)
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  const lines: string[] = []
  const takers: { resolve: (line: string) => void; reject: (error: Error) => void }[] = []
  let over = false
  const reader = createInterface({ input: socket })
  // It says again what the socket said.
  reader.on('error', () => undefined)
  reader.on('line', (line) => {
    const taker = takers.shift()
    if (taker === undefined) lines.push(line)
    else taker.resolve(line)
  })
  socket.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => {
      over = true
      for (const taker of takers.splice(0)) taker.reject(new Error('closed'))
      resolve()
    })
  })
  const line = (): Promise<string> => {
    const next = lines.shift()
    if (next !== undefined) return Promise.resolve(next)
    if (over) return Promise.reject(new Error('closed'))
    return new Promise((resolve, reject) => takers.push({ resolve, reject }))
  }
  let id = 0
  return {
    socket,
    write: (bytes) => void socket.write(bytes),
    line,
    call: async (method, params = {}) => {
      socket.write(JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params }) + '\n')
      for (;;) {
        const answer = JSON.parse(await line()) as JsonObject
        if (answer['id'] === id) return answer
      }
    },
    closed,
    close: () => socket.destroy(),
  }
}

/** A daemon that says whatever the test wants: `onLine` is called for each line of each connection. */
export const fakeDaemon = async (
  path: string,
  onLine: (line: JsonObject, socket: Socket, connection: number) => void,
): Promise<{ connections: () => number; connected: (nth: number) => Promise<void>; close: () => Promise<void> }> => {
  const sockets = new Set<Socket>()
  const waiting: { nth: number; resolve: () => void }[] = []
  let count = 0
  const server = createServer((socket) => {
    const connection = ++count
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    const reader = createInterface({ input: socket })
    reader.on('error', () => undefined)
    reader.on('line', (line) => onLine(JSON.parse(line) as JsonObject, socket, connection))
    for (const w of waiting) if (count >= w.nth) w.resolve()
  })
  await new Promise<void>((resolve) => server.listen(path, resolve))
  return {
    connections: () => count,
    connected: (nth) => new Promise((resolve) => (count >= nth ? resolve() : waiting.push({ nth, resolve }))),
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

let made = 0

/** A TXXM that nobody has made before. */
export const newTxxm = (more: JsonObject = {}): { id: MessageId; body: JsonObject; text: string } => {
  const body: JsonObject = {
    type: 'signal',
    action: 'room.post',
    target_kor: 'room.kor',
    source_kor: 'herm-a.room.kor',
    payload: { n: ++made, process: process.pid, text: 'grüße 🜂' },
    ...more,
  }
  const text = canonical(body)
  return { id: nodeHashes.sha256Hex(text) as MessageId, body, text }
}

export const messageOf = ({ id, text }: { id: MessageId; text: string }): Message => ({
  id,
  kind: 'strand',
  author: 'a'.repeat(64) as Pubkey,
  body: text,
  confidential: true,
})
