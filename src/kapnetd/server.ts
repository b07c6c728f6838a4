import { createServer, type Socket } from 'node:net'
import type { Hashes } from '../core/hashes.js'
import { CONNECTION_LIMITS, serveConnection, type Connection, type ConnectionLimits } from './connection.js'
import { createMethods, type DaemonFacts } from './methods.js'
import { complaint, TOO_MANY } from './rpc.js'
import { listenAt } from './socket-file.js'
import type { Store } from './store.js'

export interface ServerOptions {
  readonly socket: string
  readonly store: Store
  readonly hashes: Hashes
  readonly facts: DaemonFacts
  /** One line for the operator. */
  readonly say: (line: string) => void
  readonly maxConnections?: number
  readonly limits?: Partial<ConnectionLimits>
  /** How long `stop` waits for clients to take their answers. */
  readonly closeTimeoutMs?: number
}

export interface Server {
  /** Takes no more, answers what has come, removes the socket. The store is left open. */
  stop(): Promise<void>
}

const MAX_CONNECTIONS = 64
const CLOSE_TIMEOUT_MS = 5_000

/** Resolves when it listens; rejects with a Fault when it can't. */
export const startServer = async (o: ServerOptions): Promise<Server> => {
  const limits = { ...CONNECTION_LIMITS, ...o.limits }
  const connections = new Set<Connection>()
  const publish = (line: string): void => {
    for (const connection of connections) if (connection.session.subscribed) connection.send(line)
  }
  const methods = createMethods({ facts: o.facts, store: o.store, hashes: o.hashes, publish })
  const maxConnections = o.maxConnections ?? MAX_CONNECTIONS

  const accept = (socket: Socket): void => {
    if (connections.size >= maxConnections) {
      o.say(`a client was turned away: ${maxConnections} are connected`)
      socket.on('error', () => socket.destroy())
      socket.end(complaint(TOO_MANY, `${maxConnections} clients are connected already`) + '\n', () => socket.destroy())
      return
    }
    const connection = serveConnection({
      socket,
      methods,
      limits,
      say: o.say,
      onClose: () => connections.delete(connection),
    })
    connections.add(connection)
  }

  // Half open: who ends his side still gets the answers to what he has asked.
  const server = createServer({ allowHalfOpen: true }, accept)
  await listenAt(server, o.socket)
  server.on('error', (error) => o.say(`the socket failed: ${error.message}`))

  return {
    stop: () =>
      new Promise((resolve) => {
        const timer = setTimeout(() => {
          for (const connection of connections) connection.cut()
        }, o.closeTimeoutMs ?? CLOSE_TIMEOUT_MS)
        // Called when the last connection has gone.
        server.close(() => {
          clearTimeout(timer)
          resolve()
        })
        for (const connection of connections) connection.finish()
      }),
  }
}
