import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'
import { matches, type Filter } from '../../src/core/match.js'
import type { NostrEvent, RelayUrl } from '../../src/core/types.js'
import { watching, type Watch } from './watching.js'

/**
 * A relay on a real socket that can be told to behave as relays do in the wild: to cut pages short, to ignore what it was
 * asked, to repeat itself, to say no, to fall silent, to talk junk.
 */
export interface Manners {
  /** Events in one answer at most, whatever `limit` says. */
  maxPage: number
  ignoreLimit: boolean
  ignoreUntil: boolean
  /** Each event is sent so many times. */
  copies: number
  eose: boolean
  /** How the next REQs are answered: each is CLOSED with these words. */
  closeNext: string[]
  /** Wants NIP-42 for REQ and EVENT. */
  auth: boolean
  /** The answer to an EVENT; undefined for silence. */
  answer: (event: NostrEvent) => readonly [boolean, string] | undefined
  /** Neither reads nor answers anything, pings included. */
  dead: boolean
}

export interface OddRelay {
  readonly url: RelayUrl
  readonly manners: Manners
  /** What it has, newest first in answers. */
  readonly events: NostrEvent[]
  /** What it was asked for, over all connections. */
  readonly requests: { readonly sub: string; readonly filters: readonly Filter[] }[]
  readonly authed: NostrEvent[]
  readonly connections: () => number
  readonly watch: Watch
  /** Stores an event and sends it to whom it matches. */
  store(event: NostrEvent): void
  /** Sends something, as it is, to everyone. */
  say(data: string | Buffer): void
  /** Reads nothing any more from those who are connected. */
  deafen(): void
  /** Ends all connections without a word. */
  drop(): void
  /** Stops listening and ends all connections; `start` listens at the same place again. */
  readonly stop: () => Promise<void>
  readonly start: () => Promise<void>
}

const GOOD: Manners = {
  maxPage: 500,
  ignoreLimit: false,
  ignoreUntil: false,
  copies: 1,
  eose: true,
  closeNext: [],
  auth: false,
  answer: () => [true, ''],
  dead: false,
}

export const startOddRelay = async (manners: Partial<Manners> = {}): Promise<OddRelay> => {
  const m: Manners = { ...GOOD, ...manners }
  const events: NostrEvent[] = []
  const requests: { sub: string; filters: readonly Filter[] }[] = []
  const authed: NostrEvent[] = []
  const watch = watching()
  const clients = new Map<WebSocket, { subs: Map<string, readonly Filter[]>; authed: boolean }>()
  let connections = 0
  let server: Server | undefined
  let port = 0

  const send = (socket: WebSocket, ...message: unknown[]): void => socket.send(JSON.stringify(message))
  const stored = (filter: Filter): NostrEvent[] => {
    const { limit, until, ...rest } = filter
    const asked: Filter = m.ignoreUntil || until === undefined ? rest : { ...rest, until }
    const found = events.filter((e) => matches(asked, e)).sort((a, b) => b.created_at - a.created_at)
    return found.slice(0, m.ignoreLimit ? m.maxPage : Math.min(limit ?? m.maxPage, m.maxPage))
  }

  const onMessage = (socket: WebSocket, text: string): void => {
    const client = clients.get(socket)
    if (client === undefined || m.dead) return
    const [verb, first, ...rest] = JSON.parse(text) as [string, never, ...never[]]
    if (verb === 'AUTH') {
      authed.push(first)
      client.authed = true
      send(socket, 'OK', (first as NostrEvent).id, true, '')
    } else if (verb === 'CLOSE') {
      client.subs.delete(first)
    } else if (verb === 'EVENT') {
      const event = first as NostrEvent
      if (m.auth && !client.authed) {
        send(socket, 'OK', event.id, false, 'auth-required: who are you')
        return
      }
      const answer = m.answer(event)
      if (answer?.[0] === true) store(event)
      if (answer !== undefined) send(socket, 'OK', event.id, ...answer)
    } else if (verb === 'REQ') {
      requests.push({ sub: first, filters: rest })
      const words = m.auth && !client.authed ? 'auth-required: who are you' : m.closeNext.shift()
      if (words !== undefined) {
        send(socket, 'CLOSED', first, words)
      } else {
        client.subs.set(first, rest)
        for (const filter of rest) {
          for (const event of stored(filter)) {
            for (let copy = 0; copy < m.copies; copy++) send(socket, 'EVENT', first, event)
          }
        }
        if (m.eose) send(socket, 'EOSE', first)
      }
    }
    watch.changed()
  }

  const store = (event: NostrEvent): void => {
    events.push(event)
    for (const [socket, client] of clients) {
      for (const [sub, filters] of client.subs) {
        if (filters.some((f) => matches(f, event))) send(socket, 'EVENT', sub, event)
      }
    }
    watch.changed()
  }

  const start = async (): Promise<void> => {
    server = createServer()
    const sockets = new WebSocketServer({ server, autoPong: false })
    sockets.on('connection', (socket) => {
      connections++
      clients.set(socket, { subs: new Map(), authed: false })
      socket.on('ping', () => m.dead || socket.pong())
      socket.on('message', (data: Buffer) => onMessage(socket, data.toString()))
      socket.on('error', () => socket.terminate())
      socket.on('close', () => {
        clients.delete(socket)
        watch.changed()
      })
      if (m.auth) send(socket, 'AUTH', `challenge-${connections}`)
      watch.changed()
    })
    const listening = server
    await new Promise<void>((resolve, reject) => {
      listening.once('error', reject)
      listening.listen(port, '127.0.0.1', resolve)
    })
    port = (listening.address() as AddressInfo).port
  }
  await start()

  const drop = (): void => {
    for (const socket of clients.keys()) socket.terminate()
  }
  return {
    url: `ws://127.0.0.1:${port}` as RelayUrl,
    manners: m,
    events,
    requests,
    authed,
    connections: () => connections,
    watch,
    store,
    say: (data) => {
      for (const socket of clients.keys()) socket.send(data)
    },
    deafen: () => {
      for (const socket of clients.keys()) socket.pause()
    },
    drop,
    stop: async () => {
      drop()
      const ending = server
      server = undefined
      if (ending !== undefined) await new Promise<void>((resolve) => ending.close(() => resolve()))
    },
    start,
  }
}
