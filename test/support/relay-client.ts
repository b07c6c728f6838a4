import { WebSocket } from 'ws'
import type { Author } from './signed.js'
import type { EventTemplate, NostrEvent, UnixSec } from '../../src/core/types.js'

export type Message = [verb: string, ...rest: unknown[]]

/** A client that says what a test wants said, right or wrong, and keeps all it hears until a test takes it. */
export interface RelayClient {
  readonly socket: WebSocket
  send(...message: unknown[]): void
  sendText(text: string): void
  /** The first message that fits, heard or still to come; each is taken once. Rejects when the connection ends before. */
  take(verb: string, id?: string): Promise<Message>
  /** What was heard and not yet taken. */
  readonly heard: readonly Message[]
  /** What the relay said first (NIP-42). */
  readonly challenge: Promise<string>
  /** Proves that we are this author. */
  authenticate(author: Pick<Author, 'sign'>, relay?: string): Promise<{ accepted: unknown; reason: unknown }>
  publish(event: unknown): Promise<{ accepted: unknown; reason: unknown }>
  /** The stored events of one REQ, in their order; the subscription is closed again. */
  stored(...filters: unknown[]): Promise<NostrEvent[]>
  /** Resolves with the code when the connection has ended. */
  readonly closed: Promise<number>
  close(): Promise<number>
}

export const connectClient = async (url: string, nowSec = Math.floor(Date.now() / 1000)): Promise<RelayClient> => {
  const socket = new WebSocket(url, { perMessageDeflate: false })
  const heard: Message[] = []
  const waiting = new Set<{
    fits: (m: Message) => boolean
    resolve: (m: Message) => void
    reject: (e: Error) => void
    what: string
  }>()
  let queries = 0
  let hearChallenge: (challenge: string) => void = () => undefined
  const challenge = new Promise<string>((resolve) => {
    hearChallenge = resolve
  })

  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as Message
    if (message[0] === 'AUTH') {
      hearChallenge(String(message[1]))
      return
    }
    for (const waiter of waiting) {
      if (!waiter.fits(message)) continue
      waiting.delete(waiter)
      waiter.resolve(message)
      return
    }
    heard.push(message)
  })
  const closed = new Promise<number>((resolve) => {
    socket.once('close', (code) => {
      for (const { reject, what } of waiting) {
        reject(
          new Error(`the connection ended (${code}) before ${what}; heard: ${JSON.stringify(heard).slice(0, 500)}`),
        )
      }
      waiting.clear()
      resolve(code)
    })
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve())
    socket.on('error', reject)
  })

  const take = (verb: string, id?: string): Promise<Message> => {
    const fits = (m: Message): boolean => m[0] === verb && (id === undefined || m[1] === id)
    const at = heard.findIndex(fits)
    if (at >= 0) return Promise.resolve(heard.splice(at, 1)[0]!)
    return new Promise((resolve, reject) => waiting.add({ fits, resolve, reject, what: `${verb} ${id ?? ''}` }))
  }
  const send = (...message: unknown[]): void => socket.send(JSON.stringify(message))

  const tell = async (verb: 'EVENT' | 'AUTH', event: unknown): Promise<{ accepted: unknown; reason: unknown }> => {
    const answer = take('OK', (event as { id: string }).id)
    send(verb, event)
    const [, , accepted, reason] = await answer
    return { accepted, reason }
  }

  return {
    socket,
    challenge,
    authenticate: async (author, relay = url) =>
      tell('AUTH', author.sign(authTemplate(await challenge, relay, nowSec))),
    send,
    sendText: (text) => socket.send(text),
    take,
    heard,
    publish: (event) => tell('EVENT', event),
    stored: async (...filters) => {
      const id = `query-${++queries}`
      send('REQ', id, ...filters)
      await Promise.race([take('EOSE', id), take('CLOSED', id).then((m) => Promise.reject(new Error(String(m[2]))))])
      send('CLOSE', id)
      const events = heard.filter((m) => m[0] === 'EVENT' && m[1] === id)
      for (const message of events) heard.splice(heard.indexOf(message), 1)
      return events.map((m) => m[2] as NostrEvent)
    },
    closed,
    close: () => {
      socket.close()
      return closed
    },
  }
}

export const authTemplate = (challenge: string, relay: string, nowSec: number): Partial<EventTemplate> => ({
  kind: 22_242,
  created_at: nowSec as UnixSec,
  tags: [
    ['relay', relay],
    ['challenge', challenge],
  ],
})
