// The relay of the npm packages @nostr-relay/*, as a peer that is none of ours: its own validator, its own repository in SQLite.
// usage: node test/support/npm-relay.mjs [--listen 127.0.0.1:0] [--db FILE] [--hostname NAME]
// NIP-42 is off without a hostname.
// Prints one line `ready ws://HOST:PORT`. SIGTERM and SIGINT end it.
import { parseArgs } from 'node:util'
import { createRequire } from 'node:module'
import { WebSocketServer } from 'ws'

const require = createRequire(import.meta.url)
const { NostrRelay } = require('@nostr-relay/core')
const { Validator } = require('@nostr-relay/validator')
const { EventRepositorySqlite } = require('@nostr-relay/event-repository-sqlite')

const { values } = parseArgs({
  options: {
    listen: { type: 'string', default: '127.0.0.1:0' },
    db: { type: 'string', default: ':memory:' },
    hostname: { type: 'string' },
  },
})
const [host, port] = values.listen.split(':')

const silent = { setLogLevel() {}, debug() {}, info() {}, warn() {}, error: (...args) => console.error(...args) }
const repository = new EventRepositorySqlite(values.db)
await repository.init()
// Its own limits are those of a public relay; ours are wider, and a test is about the protocol.
const relay = new NostrRelay(repository, { logger: silent, maxSubscriptionsPerClient: 100, hostname: values.hostname })
const validator = new Validator({ maxContentLength: 1024 * 1024, maxTagValueLength: 4096 })

const server = new WebSocketServer({ host, port: Number(port), maxPayload: 4 * 1024 * 1024 })
server.on('connection', (socket) => {
  relay.handleConnection(socket)
  socket.on('message', async (data) => {
    try {
      const message = await validator.validateIncomingMessage(data)
      await relay.handleMessage(socket, message)
    } catch (error) {
      socket.send(JSON.stringify(['NOTICE', error instanceof Error ? error.message : String(error)]))
    }
  })
  socket.on('close', () => relay.handleDisconnect(socket))
  socket.on('error', () => socket.terminate())
})
server.on('listening', () => {
  console.log(`ready ws://${host}:${server.address().port}`)
})

const stop = () => {
  for (const socket of server.clients) socket.terminate()
  server.close(() => void relay.destroy().then(() => process.exit(0)))
}
process.once('SIGTERM', stop)
process.once('SIGINT', stop)
