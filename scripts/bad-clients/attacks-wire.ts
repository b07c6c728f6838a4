import { once } from 'node:events'
import type { Socket } from 'node:net'
import { WebSocket } from 'ws'
import { openEngine } from '../../src/crypto/engine.js'
import { openBadClient, openRawClient, openTcp, times } from './bad-client.js'
import type { Attack, BadClient } from './bad-client.js'
import { openWriter } from './good-client.js'

/** TCP, HTTP and WebSocket: what comes before any message, or never becomes one. */

const TEXT = 1
const CONTINUATION = 0

const fragments: Attack = async (url) => {
  const client = await openRawClient(url)
  client.frame(TEXT, Buffer.from('['), { fin: false })
  for (let i = 0; i < 100_000; i++) client.frame(CONTINUATION, Buffer.from('1'), { fin: false })
  return { ended: await client.ended }
}

/** A message in few large pieces that has no end: it ends where a message that is too long does. */
const endless: Attack = async (url) => {
  const client = await openRawClient(url)
  client.frame(TEXT, Buffer.from('['), { fin: false })
  const piece = Buffer.alloc(60_000, '1')
  for (let i = 0; i < 1_000; i++) client.frame(CONTINUATION, piece, { fin: false })
  return { ended: await client.ended }
}

/** Offers compression; what is compressed all the same is an error of protocol, and never inflated. */
const bomb: Attack = async (url) => {
  const client = await openRawClient(url, 'Sec-WebSocket-Extensions: permessage-deflate\r\n')
  client.frame(TEXT, Buffer.alloc(1_000), { compressed: true })
  return { compresses: /sec-websocket-extensions/i.test(client.head), ended: await client.ended }
}

const pings: Attack = async (url) => {
  const client = await openBadClient(url)
  let pongs = 0
  const enough = new Promise<void>((resolve) => {
    client.webSocket.on('pong', () => {
      if (++pongs === 1_000) resolve()
    })
  })
  times(20_000, () => client.webSocket.ping('x'.repeat(100)))
  const ended = await Promise.race([enough.then(() => 0), client.ended])
  client.webSocket.terminate()
  return { pongs, ...(ended === 0 ? {} : { ended }) }
}

/** Asks for everything on many subscriptions and reads none of it. */
const openSlowReader = async (url: string, subscriptions: number): Promise<BadClient> => {
  const client = await openBadClient(url)
  times(subscriptions, (i) => client.send('REQ', `slow${i}`, { kinds: [BULK_KIND], limit: 0 }))
  await client.told('EOSE', subscriptions)
  client.webSocket.pause()
  return client
}

/** Ephemeral: it is sent on and not kept, so that the relay is as it was for the next attack. */
const BULK_KIND = 20_999

const floodReaders = async (
  url: string,
  readers: readonly BadClient[],
  events: number,
  bytes: number,
): Promise<number> => {
  const engine = await openEngine()
  const writer = await openWriter(url, engine, `bulk-${process.pid}`)
  /** False: whoever listened was cut off. */
  const publish = (i: number): Promise<boolean> =>
    writer.publish({ kind: BULK_KIND, content: `${i} `.padEnd(bytes, 'x') }).then(
      () => true,
      (error: unknown) => {
        if (String(error).includes('mute:')) return false
        throw error
      },
    )
  for (let i = 0; i < events; i++) if (!(await publish(i))) break
  for (const { webSocket } of readers) webSocket.resume()
  let cut = 0
  // Who was cut off finds out when it reads; who was not is asked.
  await Promise.all(
    readers.map(async ({ webSocket, ended }) => {
      const alive =
        webSocket.readyState === webSocket.OPEN ? once(webSocket, 'pong').then(() => false) : Promise.resolve(true)
      if (webSocket.readyState === webSocket.OPEN) webSocket.ping(undefined, undefined, () => undefined)
      if (await Promise.race([ended.then(() => true), alive.catch(() => true)])) cut++
      webSocket.terminate()
    }),
  )
  writer.close()
  return cut
}

const slowReader: Attack = async (url) => {
  const readers = [await openSlowReader(url, 64)]
  return { readers: 1, cut: await floodReaders(url, readers, 40, 50_000) }
}

/** Each holds less than one may; together it is too much. */
const slowReaders: Attack = async (url) => {
  const readers = await Promise.all(times(30, () => openSlowReader(url, 4)))
  return { readers: readers.length, cut: await floodReaders(url, readers, 70, 50_000) }
}

const slowHandshakes: Attack = async (url) => {
  const sockets = await Promise.all(times(60, () => openTcp(url)))
  for (const tcp of sockets) tcp.write('GET / HTTP/1.1\r\nHost: relay\r\nX-Slow: ')
  // Some never say a word.
  await Promise.all(times(20, () => openTcp(url)).map(async (tcp) => sockets.push(await tcp)))
  const ended = await Promise.all(sockets.map((tcp) => closeOf(tcp.resume())))
  return { ended: ended.length }
}

const headers: Attack = async (url) => {
  const tcp = await openTcp(url)
  tcp.write(`GET / HTTP/1.1\r\nHost: relay\r\n${'X-Much: more\r\n'.repeat(100_000)}`)
  const [data] = (await once(tcp, 'data')) as [Buffer]
  tcp.destroy()
  return { status: data.toString('latin1').slice(9, 12) }
}

const bodies: Attack = async (url) => {
  const tcp = await openTcp(url)
  const ended = closeOf(tcp)
  let status = ''
  tcp.on('data', (data: Buffer) => {
    if (status === '') status = data.toString('latin1').slice(9, 12)
  })
  tcp.write('POST / HTTP/1.1\r\nHost: relay\r\nContent-Length: 1000000000\r\n\r\n')
  const piece = Buffer.alloc(64 * 1024)
  const more = (): void => {
    while (!tcp.destroyed && tcp.write(piece));
  }
  tcp.on('drain', more)
  more()
  await ended
  return { status }
}

/** However it ends. */
const closeOf = (tcp: Socket): Promise<void> => new Promise((resolve) => tcp.once('close', () => resolve()))

/** As many as there are places, and some. */
const connections: Attack = async (url) => {
  const sockets = times(1_100, () => new WebSocket(url, { perMessageDeflate: false }))
  const answers = await Promise.all(
    sockets.map(
      (socket) =>
        new Promise<'opened' | 'turned away'>((resolve) => {
          socket.once('open', () => resolve('opened'))
          socket.once('error', () => resolve('turned away'))
        }),
    ),
  )
  for (const socket of sockets) socket.terminate()
  const opened = answers.filter((answer) => answer === 'opened').length
  return { opened, 'turned away': answers.length - opened }
}

export const WIRE_ATTACKS = {
  ...{ fragments, endless, bomb, pings, 'slow-reader': slowReader, 'slow-readers': slowReaders },
  ...{ 'slow-handshakes': slowHandshakes, headers, bodies, connections },
} as const
