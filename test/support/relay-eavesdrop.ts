import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { WebSocket } from 'ws'
import { nip77 } from 'nostr-tools'
import { authTemplate } from './relay-client.js'
import type { Author } from './signed.js'

type Frame = [verb: string, ...rest: unknown[]]

/** A client that keeps every byte that the relay sends it, from the first after the handshake. */
export interface Eavesdropper {
  /** Everything, as it came off the TCP connection. */
  bytes(): Buffer
  /** Every message but those that are never the same twice: the challenge, and what answers it. */
  transcript(): string[]
  authenticate(author: Pick<Author, 'sign'>): Promise<void>
  /** Sends, and resolves with the message that ends the answer. */
  ask(...message: [verb: 'REQ' | 'COUNT', id: string, ...filters: unknown[]]): Promise<Frame>
  publish(event: { readonly id: string }): Promise<Frame>
  /** What a client that has nothing is told to fetch; undefined where it was refused. */
  sync(id: string, filter: unknown): Promise<string[] | undefined>
  /** Resolves when all that was sent before is here. */
  settled(): Promise<void>
  close(): void
}

export const eavesdrop = async (url: string, nowSec: number): Promise<Eavesdropper> => {
  const socket = new WebSocket(url, { perMessageDeflate: false })
  const chunks: Buffer[] = []
  const frames: Frame[] = []
  const texts: string[] = []
  const waiting = new Set<() => void>()
  let challenge = ''
  let settlings = 0

  socket.on('upgrade', (response: IncomingMessage) => {
    response.socket.prependListener('data', (chunk: Buffer) => chunks.push(chunk))
  })
  socket.on('message', (data: Buffer) => {
    const text = data.toString()
    const frame = JSON.parse(text) as Frame
    if (frame[0] === 'AUTH') challenge = String(frame[1])
    else texts.push(text)
    frames.push(frame)
    for (const look of waiting) look()
  })
  const ended = once(socket, 'close').then(() => {
    throw new Error(`the connection ended; last: ${texts.slice(-3).join(' ')}`)
  })
  ended.catch(() => undefined)

  /** The first that fits of those that come from now on. */
  const next = (fits: (frame: Frame) => boolean): Promise<Frame> => {
    const from = frames.length
    const come = new Promise<Frame>((resolve) => {
      const look = (): void => {
        const frame = frames.slice(from).find(fits)
        if (frame === undefined) return
        waiting.delete(look)
        resolve(frame)
      }
      waiting.add(look)
    })
    return Promise.race([come, ended])
  }
  const send = (...message: unknown[]): void => socket.send(JSON.stringify(message))
  const until = (id: string, ...verbs: string[]): Promise<Frame> => next((f) => verbs.includes(f[0]) && f[1] === id)

  await next(([verb]) => verb === 'AUTH')

  return {
    bytes: () => Buffer.concat(chunks),
    transcript: () => [...texts],
    authenticate: async (author) => {
      const event = author.sign(authTemplate(challenge, url, nowSec))
      const answer = until(event.id, 'OK')
      send('AUTH', event)
      const [, , accepted, reason] = await answer
      if (accepted !== true) throw new Error(String(reason))
      texts.pop()
    },
    ask: async (verb, id, ...filters) => {
      const end = until(id, verb === 'REQ' ? 'EOSE' : 'COUNT', 'CLOSED')
      send(verb, id, ...filters)
      return end
    },
    publish: async (event) => {
      const answer = until(event.id, 'OK')
      send('EVENT', event)
      return answer
    },
    sync: async (id, filter) => {
      const storage = new nip77.NegentropyStorageVector()
      storage.seal()
      const negentropy = new nip77.Negentropy(storage)
      const need: string[] = []
      let message: string | null = negentropy.initiate()
      let verb = 'NEG-OPEN'
      while (message !== null) {
        const answer = until(id, 'NEG-MSG', 'NEG-ERR')
        send(verb, id, ...(verb === 'NEG-OPEN' ? [filter] : []), message)
        const [said, , hex] = await answer
        if (said === 'NEG-ERR') return undefined
        message = negentropy.reconcile(String(hex), undefined, (missing) => need.push(missing))
        verb = 'NEG-MSG'
      }
      send('NEG-CLOSE', id)
      return need.sort()
    },
    settled: async () => {
      const id = `settled-${++settlings}`
      const answer = until(id, 'COUNT', 'CLOSED')
      send('COUNT', id, { ids: [] })
      await answer
    },
    close: () => socket.terminate(),
  }
}
