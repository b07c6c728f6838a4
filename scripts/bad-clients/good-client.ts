import { once } from 'node:events'
import { WebSocket } from 'ws'
import { eventId } from '../../src/core/event.js'
import type { EventTemplate, NostrEvent, Pubkey, Signature, UnixSec } from '../../src/core/types.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import type { CryptoEngine } from '../../src/ports.js'

/** A client that keeps the rules: publishes one event after the other, and reads them again on another connection. */
export interface GoodClient {
  /** Resolves when the event was acknowledged and delivered. */
  roundTrip(): Promise<RoundTrip>
  close(): void
}

export interface RoundTrip {
  readonly okMs: number
  readonly liveMs: number
}

export interface Writer {
  /** Resolves when it was answered, with when that was. Rejects when the answer is no. */
  publish(
    over: Partial<EventTemplate>,
  ): Promise<{ readonly id: string; readonly sentAt: number; readonly okAt: number }>
  close(): void
}

const NO_AUX = new Uint8Array(32)

const opened = async (url: string): Promise<WebSocket> => {
  const webSocket = new WebSocket(url, { perMessageDeflate: false })
  await once(webSocket, 'open')
  return webSocket
}

export const openWriter = async (url: string, engine: CryptoEngine, name: string): Promise<Writer> => {
  const secret = nodeHashes.sha256(name)
  const pubkey = Buffer.from(engine.publicKey(secret)).toString('hex') as Pubkey
  const webSocket = await opened(url)
  const waiting = new Map<string, (accepted: boolean, reason: string) => void>()
  webSocket.on('message', (data: Buffer) => {
    const [verb, id, accepted, reason] = JSON.parse(data.toString()) as unknown[]
    if (verb === 'OK') waiting.get(String(id))?.(accepted === true, String(reason))
  })
  webSocket.on('close', () => {
    for (const answer of waiting.values()) answer(false, 'the connection ended')
  })

  const sign = (over: Partial<EventTemplate>): NostrEvent => {
    const template = {
      kind: 1,
      created_at: Math.floor(Date.now() / 1_000) as UnixSec,
      tags: [],
      content: '',
      ...over,
      pubkey,
    }
    const id = eventId(template, nodeHashes)
    const sig = Buffer.from(engine.sign(Buffer.from(id, 'hex'), secret, NO_AUX)).toString('hex') as Signature
    return { ...template, id, sig }
  }

  return {
    publish: (over) =>
      new Promise((resolve, reject) => {
        const event = sign(over)
        const text = JSON.stringify(['EVENT', event])
        const sentAt = performance.now()
        waiting.set(event.id, (accepted, reason) => {
          waiting.delete(event.id)
          if (accepted) resolve({ id: event.id, sentAt, okAt: performance.now() })
          else reject(new Error(`a good event was refused: ${reason}`))
        })
        webSocket.send(text)
      }),
    close: () => webSocket.terminate(),
  }
}

export const openGoodClient = async (url: string, engine: CryptoEngine): Promise<GoodClient> => {
  const writer = await openWriter(url, engine, 'good')
  const reader = await opened(url)
  const topic = `good-${process.pid}-${Math.random()}`
  const delivered = new Map<string, number>()
  let wake: () => void = () => undefined
  reader.on('message', (data: Buffer) => {
    const [verb, , event] = JSON.parse(data.toString()) as [string, string, NostrEvent]
    if (verb === 'EVENT') delivered.set(event.id, performance.now())
    wake()
  })
  let ended: Error | undefined
  reader.on('close', () => {
    ended = new Error('the connection of a good reader ended')
    wake()
  })
  const live = new Promise<void>((resolve) => {
    reader.on('message', (data: Buffer) => {
      if (data.includes('"EOSE"')) resolve()
    })
  })
  reader.send(JSON.stringify(['REQ', 'good', { '#t': [topic] }]))
  await live

  const deliveryOf = async (id: string): Promise<number> => {
    for (;;) {
      const at = delivered.get(id)
      if (at !== undefined) {
        delivered.delete(id)
        return at
      }
      if (ended !== undefined) throw ended
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }

  let n = 0
  return {
    roundTrip: async () => {
      const { id, sentAt, okAt } = await writer.publish({ tags: [['t', topic]], content: `good ${++n}` })
      const liveAt = await deliveryOf(id)
      return { okMs: okAt - sentAt, liveMs: liveAt - sentAt }
    },
    close: () => {
      writer.close()
      reader.removeAllListeners('close').terminate()
    },
  }
}
