import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'

export interface HintingProxy {
  readonly url: string
  /** How many EOSE with hints went to clients. */
  told(): number
  stop(): Promise<void>
}

/** Passes everything on between clients and a relay, but tells these hints with every EOSE (NIP-67), whatever the relay told. */
export const hintingProxy = async (relayUrl: string, hints: readonly string[]): Promise<HintingProxy> => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  let told = 0
  server.on('connection', (client) => {
    const relay = new WebSocket(relayUrl)
    const early: string[] = []
    relay.on('open', () => {
      for (const text of early.splice(0)) relay.send(text)
    })
    client.on('message', (data: Buffer) => {
      if (relay.readyState === WebSocket.OPEN) relay.send(data.toString())
      else early.push(data.toString())
    })
    relay.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as unknown[]
      if (message[0] === 'EOSE') told++
      client.send(message[0] === 'EOSE' ? JSON.stringify(['EOSE', message[1], hints]) : data.toString())
    })
    relay.on('close', () => client.close())
    relay.on('error', () => client.terminate())
    client.on('close', () => relay.terminate())
    client.on('error', () => relay.terminate())
  })
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    told: () => told,
    stop: async () => {
      for (const client of server.clients) client.terminate()
      server.close()
      await once(server, 'close')
    },
  }
}
