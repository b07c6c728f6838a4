import { once } from 'node:events'
import { WebSocket } from 'ws'
import { afterEach, expect, it } from 'vitest'
import { openRawClient, openTcp } from '../../../scripts/bad-clients/bad-client.js'
import { startRelay, type Relay, type RelayOptions } from '../../../relay/index.js'

let relay: Relay | undefined
afterEach(() => relay?.close())
const start = async (over: Partial<RelayOptions>): Promise<string> => {
  relay = await startRelay({ host: '127.0.0.1', port: 0, db: ':memory:', engine: 'wasm', ...over })
  return relay.url
}

it('a message that does not come to its end is cut off, also when pings stand between its pieces', async () => {
  const url = await start({ limits: { messageTimeoutMs: 1 } })
  const [stuck, pinging] = [await openRawClient(url), await openRawClient(url)]

  for (const client of [stuck, pinging]) client.frame(1, Buffer.from('["REQ"'), { fin: false })
  pinging.frame(9, Buffer.from('ping'))

  expect(await Promise.all([stuck.ended, pinging.ended])).toEqual([1006, 1006])
})

it('a handshake that does not come to its end is ended', async () => {
  const tcp = await openTcp(await start({ limits: { handshakeTimeoutMs: 10 } }))
  tcp.write('GET / HTTP/1.1\r\nHost: ')

  const [data] = (await once(tcp, 'data')) as [Buffer]

  expect(data.toString()).toMatch(/^HTTP\/1\.1 408 /)
})

it('clients behind a proxy are counted by the address that the proxy names', async () => {
  const url = await start({ proxies: ['127.0.0.1'], limits: { maxConnectionsPerAddress: 1 } })
  const from = (address: string): WebSocket => new WebSocket(url, { headers: { 'x-forwarded-for': address } })
  const sockets = [from('192.0.2.1'), from('192.0.2.2')]
  await Promise.all(sockets.map((socket) => once(socket, 'open')))

  const again = from('192.0.2.1')
  const [error] = (await once(again, 'error')) as [Error]

  expect(error.message).toContain('429')
  for (const socket of sockets) socket.terminate()
})
