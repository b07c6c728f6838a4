import { once } from 'node:events'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { openEventStore } from '../../../relay/store/store.js'
import type { UnixMs, UnixSec } from '../../../src/core/types.js'
import { openEngine } from '../../../src/crypto/engine.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { engineVerifier } from '../../../src/crypto/verify.js'
import type { CryptoEngine, Verifier } from '../../../src/ports.js'
import { connectClient } from '../../support/relay-client.js'
import { asIncoming, ids, testFolder } from '../../support/relay-store.js'
import { authorOf, paperAuthor, type Author } from '../../support/signed.js'
import { testRelays } from '../../support/test-relays.js'

const NOW = 1_800_000_000
const trusting: Verifier = { engine: 'none', verify: (proofs) => Promise.resolve(proofs.map(() => true)) }

let engine: CryptoEngine
let alice: Author
const { start, connect } = testRelays(NOW)

beforeAll(async () => {
  engine = await openEngine()
  alice = authorOf(engine, 'alice')
})
const BIG = 'x'.repeat(300_000)
const bigEvent = (i: number): ReturnType<Author['sign']> =>
  alice.sign({ content: `${i} ${BIG}`, created_at: (NOW - i) as UnixSec })

describe('the relay’s limits', () => {
  it('on connections: one more is told 503, and there is room again when one leaves', async () => {
    const relay = await start({ limits: { maxConnections: 1 } })
    const first = await connect(relay)

    const second = new WebSocket(relay.url)
    const [, response] = (await once(second, 'unexpected-response')) as [unknown, { statusCode: number }]
    await first.close()
    const third = await connect(relay)

    expect(response.statusCode).toBe(503)
    expect(await third.stored({})).toEqual([])
    expect(relay.connections).toBe(1)
  })

  it('on what waits for a slow reader: it is cut off, and the others are served', async () => {
    const relay = await start({ limits: { maxBufferedBytes: 1_000_000 }, verifier: trusting })
    const [slow, good, writer] = [await connect(relay), await connect(relay), await connect(relay)]
    for (const client of [slow, good]) {
      client.send('REQ', 'live', { limit: 0 })
      await client.take('EOSE', 'live')
    }

    slow.socket.pause()
    for (let i = 0; i < 80; i++) await writer.publish(bigEvent(i))
    for (let i = 0; i < 80; i++) await good.take('EVENT', 'live')
    const before = relay.connections
    slow.socket.resume()

    expect(await slow.closed).toBe(1006)
    expect(before).toBe(2)
    expect(slow.heard.length).toBeLessThan(80)
  })

  it('do not cut off a reader for a large answer: that waits for its reader', async () => {
    const relay = await start({ limits: { maxBufferedBytes: 1_000_000 }, verifier: trusting })
    const [reader, writer] = [await connect(relay), await connect(relay)]
    for (let i = 0; i < 80; i++) await writer.publish(bigEvent(i))

    reader.socket.pause()
    const answer = reader.stored({})
    await writer.stored({ limit: 1 })
    reader.socket.resume()

    expect(await answer).toHaveLength(80)
  })

  it('on live events that wait for a stored answer: the subscription is CLOSED, the connection stays', async () => {
    const relay = await start({ limits: { maxPendingLive: 2 }, verifier: trusting })
    const [reader, writer] = [await connect(relay), await connect(relay)]
    for (let i = 0; i < 80; i++) await writer.publish(bigEvent(i))
    reader.socket.pause()
    reader.send('REQ', 'slow', {})
    reader.send('REQ', 'next', { limit: 1 })
    // The writer's own answer comes from the same loop, so by now the relay is at the reader's.
    await writer.stored({ limit: 1 })

    for (let i = 0; i < 3; i++) await writer.publish(alice.sign({ content: String(i) }))
    reader.socket.resume()

    const reason = 'error: more came in than could wait for the stored events; ask again'
    expect((await reader.take('CLOSED', 'slow'))[2]).toBe(reason)
    await reader.take('EOSE', 'next')
    expect(reader.heard.some((m) => m[0] === 'EOSE' && m[1] === 'slow')).toBe(false)
  })

  it('on events without an answer: no more is read meanwhile, and every event is answered in the end', async () => {
    const relay = await start({ limits: { maxInFlightEvents: 4 }, verifier: engineVerifier(engine) })
    const client = await connect(relay)
    const events = Array.from({ length: 50 }, (_, i) => alice.sign({ content: String(i) }))

    const answers = await Promise.all(events.map((event) => client.publish(event)))

    expect(answers.every(({ accepted }) => accepted === true)).toBe(true)
  })

  it('on silence: a client that answers no ping is cut off, one that does stays', async () => {
    const relay = await start({ limits: { pingIntervalMs: 20 } })
    const silent = new WebSocket(relay.url, { autoPong: false })
    const talking = await connect(relay)

    const [code] = (await once(silent, 'close')) as [number]

    expect(code).toBe(1006)
    expect(await talking.stored({})).toEqual([])
  })
})

describe('a long search', () => {
  const folder = testFolder()

  it('that finds nothing holds nobody up', async () => {
    const db = join(folder(), 'relay.sqlite')
    const store = openEventStore(db, nodeHashes)
    const bob = paperAuthor('bob')
    for (let i = 0; i < 20_000; i += 500) {
      const items = Array.from({ length: 500 }, (_, j) =>
        asIncoming(
          bob.sign({ content: `${i + j} ${'x'.repeat(500)}`, tags: [j % 2 === 0 ? ['t', 'even'] : ['r', 'odd']] }),
        ),
      )
      store.write(items, NOW as UnixSec)
    }
    store.close()
    const relay = await start({ db, verifier: trusting })
    const [reader, writer] = [await connect(relay), await connect(relay)]

    reader.send('REQ', 'long', { '#t': ['even'], '#r': ['odd'] })
    reader.send('REQ', 'short', { limit: 1 })
    // This answer shows that the relay has the reader's REQ, or will have it next.
    await writer.stored({ ids: [] })
    const answer = await writer.publish(alice.sign())

    expect(answer.accepted).toBe(true)
    expect(reader.heard).toEqual([])
    expect((await reader.take('EOSE'))[1]).toBe('long')
    expect((await reader.take('EOSE'))[1]).toBe('short')
  })
})

describe('expiration', () => {
  it('is looked at when a live event has waited for the stored part', async () => {
    let nowSec = NOW
    const clock = { now: () => (nowSec * 1000) as UnixMs }
    const relay = await start({ clock, verifier: trusting })
    const [reader, writer] = [await connect(relay), await connect(relay)]
    for (let i = 0; i < 80; i++) await writer.publish(bigEvent(i))
    reader.socket.pause()
    reader.send('REQ', 'slow', {})
    await writer.stored({ limit: 1 })
    const brief = alice.sign({ content: 'brief', tags: [['expiration', String(NOW + 5)]] })
    const lasting = alice.sign({ content: 'lasting' })
    await writer.publish(brief)
    await writer.publish(lasting)

    nowSec = NOW + 5
    reader.socket.resume()
    await reader.take('EOSE', 'slow')
    const after = alice.sign({ content: 'after' })
    await writer.publish(after)

    // Whatever the reader is sent after `after` was sent after it.
    await reader.stored({ limit: 1 })
    const live = reader.heard.filter((m) => m[0] === 'EVENT').slice(80)
    expect(ids(live.map((m) => m[2] as { id: string }))).toEqual(ids([lasting, after]))
  })
})

describe('a relay that stops', () => {
  it('first finishes what it has taken in', async () => {
    let release: () => void = () => undefined
    let began: () => void = () => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const beginning = new Promise<void>((resolve) => {
      began = resolve
    })
    const verifier: Verifier = {
      engine: 'held',
      verify: async (proofs) => {
        began()
        await held
        return proofs.map(() => true)
      },
    }
    const relay = await start({ verifier })
    const client = await connect(relay)

    const answer = client.publish(alice.sign())
    await beginning
    const closing = relay.close()
    release()

    expect(await answer).toEqual({ accepted: true, reason: '' })
    expect(await client.closed).toBe(1001)
    await closing
  })

  it('does not wait beyond its deadline, neither for work nor for goodbyes', async () => {
    const never: Verifier = { engine: 'never', verify: () => new Promise(() => undefined) }
    const relay = await start({ verifier: never, limits: { stopDeadlineMs: 50 } })
    const [client, deaf] = [await connect(relay), await connect(relay)]
    deaf.socket.pause()
    client.send('EVENT', alice.sign())
    await client.stored({})

    await relay.close()

    expect(relay.connections).toBe(0)
  })

  it('takes no new connection, and may be told twice', async () => {
    const relay = await start()

    await Promise.all([relay.close(), relay.close()])

    await expect(connectClient(relay.url)).rejects.toThrow()
  })
})

describe('the relay’s place', () => {
  const statusAt = async (url: string): Promise<number> => {
    const socket = new WebSocket(url)
    const status = await new Promise<number>((resolve) => {
      socket.once('open', () => resolve(101))
      socket.once('unexpected-response', (_, response: { statusCode: number }) => resolve(response.statusCode))
    })
    socket.on('error', () => undefined).terminate()
    return status
  }

  it('is one: / and the paths by which it is known, with any query, and no other', async () => {
    const relay = await start({ publicUrls: ['wss://relay.example/herms/'] })
    const paths = ['', '/', '/?from=here', '/herms', '/herms/', '/herms/more', '/else']

    const statuses = await Promise.all(paths.map((path) => statusAt(`${relay.url}${path}`)))

    expect(statuses).toEqual([101, 101, 101, 101, 101, 404, 404])
  })
})
