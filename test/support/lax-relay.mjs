// A relay that checks nothing: for sending a bridge what an honest relay would have refused. It keeps every JSON object it is
// given in memory, answers OK true, and sends everything to every subscription whatever that asked for. With --filter it applies
// filters, naively.
// usage: node test/support/lax-relay.mjs [--listen 127.0.0.1:0] [--filter]
// Prints one line `ready ws://HOST:PORT`. SIGTERM and SIGINT end it.
import { parseArgs } from 'node:util'
import { WebSocketServer } from 'ws'

const { values } = parseArgs({
  options: { listen: { type: 'string', default: '127.0.0.1:0' }, filter: { type: 'boolean', default: false } },
})
const [host, port] = values.listen.split(':')

const MAX_EVENTS = 100_000
const stored = []

const isObject = (x) => typeof x === 'object' && x !== null && !Array.isArray(x)
const includes = (list, value) => Array.isArray(list) && list.includes(value)
const tagsOf = (event) => (Array.isArray(event.tags) ? event.tags.filter(Array.isArray) : [])

const matches = (filter, event) =>
  Object.entries(isObject(filter) ? filter : {}).every(([name, wanted]) => {
    if (name === 'ids') return includes(wanted, event.id)
    if (name === 'authors') return includes(wanted, event.pubkey)
    if (name === 'kinds') return includes(wanted, event.kind)
    if (name === 'since') return event.created_at >= wanted
    if (name === 'until') return event.created_at <= wanted
    if (name.startsWith('#')) return tagsOf(event).some((tag) => tag[0] === name.slice(1) && includes(wanted, tag[1]))
    return true
  })
const wants = (filters, event) => !values.filter || filters.some((filter) => matches(filter, event))

const server = new WebSocketServer({ host, port: Number(port), maxPayload: 64 * 1024 * 1024 })
const send = (socket, message) => socket.send(JSON.stringify(message))

const onEvent = (socket, event) => {
  if (!isObject(event)) return send(socket, ['NOTICE', 'EVENT needs an object'])
  if (stored.length < MAX_EVENTS) stored.push(event)
  send(socket, ['OK', typeof event.id === 'string' ? event.id : '', true, ''])
  for (const client of server.clients) {
    for (const [id, filters] of client.subscriptions ?? []) {
      if (wants(filters, event)) send(client, ['EVENT', id, event])
    }
  }
}

const onReq = (socket, id, filters) => {
  if (typeof id !== 'string') return send(socket, ['NOTICE', 'REQ needs a subscription id'])
  socket.subscriptions.set(id, filters)
  for (const event of stored) {
    if (wants(filters, event)) send(socket, ['EVENT', id, event])
  }
  send(socket, ['EOSE', id])
}

server.on('connection', (socket) => {
  socket.subscriptions = new Map()
  socket.on('error', () => socket.terminate())
  socket.on('message', (data) => {
    let message
    try {
      message = JSON.parse(data.toString())
    } catch {
      return send(socket, ['NOTICE', 'not JSON'])
    }
    if (!Array.isArray(message)) return send(socket, ['NOTICE', 'not an array'])
    const [verb, first, ...rest] = message
    if (verb === 'EVENT') return onEvent(socket, first)
    if (verb === 'REQ') return onReq(socket, first, rest)
    if (verb === 'CLOSE') return socket.subscriptions.delete(first)
    send(socket, ['NOTICE', `unknown verb`])
  })
})
server.on('listening', () => {
  console.log(`ready ws://${host}:${server.address().port}`)
})

const stop = () => {
  for (const socket of server.clients) socket.terminate()
  server.close(() => process.exit(0))
}
process.once('SIGTERM', stop)
process.once('SIGINT', stop)
