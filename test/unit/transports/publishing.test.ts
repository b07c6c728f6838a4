import { setMaxListeners } from 'node:events'
import { WebSocket, type ClientOptions } from 'ws'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RelayUrl } from '../../../src/core/types.js'
import { startOddRelay, type OddRelay } from '../../support/odd-relay.js'
import { transportBench, type Bench, type BenchOptions } from '../../support/transport-bench.js'

const never = new AbortController().signal
setMaxListeners(0, never)
const nowhere = 'ws://127.0.0.1:1' as RelayUrl

describe('publishing to relays', () => {
  let relay: OddRelay
  let other: OddRelay
  let bench: Bench
  beforeEach(async () => {
    relay = await startOddRelay()
    other = await startOddRelay()
  })
  afterEach(async () => {
    await bench.stop()
    await Promise.all([relay.stop(), other.stop()])
  })
  const open = async (options: Partial<BenchOptions> = {}): Promise<void> => {
    bench = await transportBench({ relays: [{ url: relay.url }, { url: other.url }], ...options })
    bench.start()
    await bench.watch.until(() => bench.transport.status().every((s) => s.state === 'open'))
  }

  it("ends with the first yes, in the relay's own words", async () => {
    await open()
    other.manners.answer = () => undefined
    relay.manners.answer = () => [true, 'stored in the cellar']

    const answers = await bench.transport.publish(bench.me.message(1), [other.url, relay.url], never)

    expect(answers).toEqual([{ relay: relay.url, ok: true, message: 'stored in the cellar' }])
  })

  it('ends with all answers when nobody says yes', async () => {
    await open({ limits: { okTimeoutMs: 50 } })
    relay.manners.answer = () => [false, 'blocked: not you']
    other.manners.answer = () => undefined

    const answers = await bench.transport.publish(bench.me.message(1), [relay.url, other.url, nowhere], never)

    expect(new Set(answers)).toEqual(
      new Set([
        { relay: relay.url, ok: false, message: 'blocked: not you' },
        { relay: other.url, ok: false, message: 'no answer within 50 ms' },
        { relay: nowhere, ok: false, message: 'not a relay of ours' },
      ]),
    )
    expect(bench.transport.status()[0]).toMatchObject({ published: 0, refused: 1 })
  })

  it('shows what an open relay has refused last, until it takes something', async () => {
    await open()
    const reason = (): string | undefined => bench.transport.status()[0]?.reason
    relay.manners.answer = () => [false, 'blocked: not you']
    await bench.transport.publish(bench.me.message(1), [relay.url], never)
    const refused = reason()
    relay.manners.answer = () => [true, '']
    await bench.transport.publish(bench.me.message(2), [relay.url], never)

    expect(refused).toBe('refused: blocked: not you')
    expect(reason()).toBeUndefined()
  })

  it('counts an answer that comes too late for anybody to wait for', async () => {
    await open({ limits: { okTimeoutMs: 20 } })
    relay.manners.answer = () => undefined
    const event = bench.me.message(1)
    await bench.transport.publish(event, [relay.url], never)

    relay.say(JSON.stringify(['OK', event.id, true, '']))
    relay.store(bench.peer.message(2, { to: bench.me.key }))
    await bench.watch.until(() => bench.arrivals.length > 0)

    expect(bench.transport.status()[0]).toMatchObject({ published: 1 })
  })

  it('takes an OK for a foreign or unknown event as nothing', async () => {
    await open()
    relay.say(JSON.stringify(['OK', 'f'.repeat(64), true, '']))
    relay.store(bench.peer.message(2, { to: bench.me.key }))
    await bench.watch.until(() => bench.arrivals.length > 0)

    expect(bench.transport.status()[0]).toMatchObject({ published: 0, refused: 0 })
  })

  it('answers for what was under way when the connection is lost', async () => {
    await open()
    relay.manners.answer = () => {
      relay.drop()
      return undefined
    }
    const answers = await bench.transport.publish(bench.me.message(1), [relay.url], never)

    expect(answers).toEqual([{ relay: relay.url, ok: false, message: 'connection lost' }])
  })

  it('answers at once for a relay that is away', async () => {
    await open()
    await relay.stop()
    await bench.watch.until(() => bench.transport.status()[0]!.state !== 'open')

    const answers = await bench.transport.publish(bench.me.message(1), [relay.url], never)

    expect(answers[0]!.ok).toBe(false)
    expect(answers[0]!.message).toMatch(/^not connected/)
  })

  it('stops waiting when it is told to, and answers for each relay', async () => {
    await open()
    relay.manners.answer = () => undefined
    other.manners.answer = () => undefined
    const stop = new AbortController()
    const answers = bench.transport.publish(bench.me.message(1), [relay.url, other.url], stop.signal)
    stop.abort()

    expect((await answers).map((a) => a.message)).toEqual(['stopped', 'stopped'])
  })

  it('sends again after auth-required, once it is accepted', async () => {
    relay.manners.auth = true
    await open()
    const answers = await bench.transport.publish(bench.me.message(1), [relay.url], never)

    expect(answers).toEqual([{ relay: relay.url, ok: true, message: '' }])
    expect(relay.events).toHaveLength(1)
  })

  it('gives the words of a relay that wants AUTH when the signer can not, and hangs nowhere', async () => {
    relay.manners.auth = true
    await open({ signer: { signEvent: () => new Promise(() => undefined) }, limits: { okTimeoutMs: 30 } })
    const answers = await bench.transport.publish(bench.peer.message(1), [relay.url], never)

    expect(answers).toEqual([{ relay: relay.url, ok: false, message: 'auth-required: who are you' }])
  })

  it('takes `duplicate:` for a yes, with whichever boolean it comes', async () => {
    await open()
    relay.manners.answer = () => [false, 'duplicate: have it']
    const answers = await bench.transport.publish(bench.me.message(1), [relay.url], never)

    expect(answers[0]).toMatchObject({ ok: true })
  })

  it('leaves a relay alone for a moment that asks for it, and prefers the others', async () => {
    await open()
    relay.manners.answer = () => [false, 'rate-limited: slow down']
    await bench.transport.publish(bench.me.message(1), [relay.url], never)
    expect(bench.transport.relaysFor('public')).toEqual([other.url, relay.url])

    relay.manners.answer = () => [true, '']
    const answers = await bench.transport.publish(bench.me.message(2), [relay.url], never)

    expect(answers[0]!.message).toMatch(/^rate-limited/)
    expect(relay.events).toHaveLength(0)
  })

  it('refuses what is larger than a relay would take, before it is sent', async () => {
    await open()
    const event = bench.me.message(1, { content: '€'.repeat(400_000) })
    const answers = await bench.transport.publish(event, [relay.url], never)

    expect(answers[0]!.message).toMatch(/^too-large/)
    expect(relay.connections()).toBe(1)
  })

  it('holds no more in memory for a relay that does not read than the limit and one event', async () => {
    const sockets: WebSocket[] = []
    class Known extends WebSocket {
      constructor(url: string, options: ClientOptions) {
        super(url, options)
        sockets.push(this)
      }
    }
    const link = { connectTimeoutMs: 5_000, pingAfterMs: 60_000, pongTimeoutMs: 5_000, maxBufferedBytes: 300_000 }
    await open({ webSocket: Known, limits: { okTimeoutMs: 300, link } })
    relay.deafen()
    const content = 'x'.repeat(200_000)
    const events = Array.from({ length: 100 }, (_, n) => bench.me.message(n, { content }))

    const answers = await Promise.all(events.map((event) => bench.transport.publish(event, [relay.url], never)))

    expect(new Set(answers.flat().map((a) => a.message))).toEqual(new Set(['no answer within 300 ms']))
    const most = Math.max(...sockets.map((socket) => socket.bufferedAmount))
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThan(600_000)
  })

  it('publishes the same event to the same relay at the same time once', async () => {
    await open()
    const event = bench.me.message(1)
    const both = await Promise.all([1, 2].map(() => bench.transport.publish(event, [relay.url], never)))

    expect(both.flat().map((a) => a.ok)).toEqual([true, true])
    expect(relay.events).toHaveLength(1)
  })

  it('names the relays of a road that can be written to, open ones first', async () => {
    bench = await transportBench({
      relays: [
        { url: nowhere },
        { url: relay.url, roads: ['public', 'nip44'] },
        { url: other.url, roads: ['nip44'], read: false },
        { url: 'ws://127.0.0.1:2' as RelayUrl, write: false },
      ],
    })
    bench.start()
    await bench.watch.until(() => bench.transport.status().filter((s) => s.state === 'open').length === 2)

    expect(bench.transport.relaysFor('public')).toEqual([relay.url, nowhere])
    expect(bench.transport.relaysFor('nip44')).toEqual([relay.url, other.url, nowhere])
    expect(bench.transport.relaysFor('private')).toEqual([])
  })

  it('reads nothing from a relay that is only written to', async () => {
    await open({ relays: [{ url: relay.url, read: false }] })
    await bench.transport.publish(bench.me.message(1), [relay.url], never)

    expect(relay.requests).toEqual([])
  })

  it('tells when a road has opened, and at once when it is', async () => {
    bench = await transportBench({ relays: [{ url: relay.url }] })
    const told = bench.transport.whenOpen('nip44', never)
    bench.start()
    await told
    await bench.transport.whenOpen('public', never)

    const stop = new AbortController()
    const toldNever = bench.transport.whenOpen('private', stop.signal)
    stop.abort()
    await toldNever
    expect(bench.transport.status()[0]!.state).toBe('open')
  })

  it('takes an event that two relays send at the same time once', async () => {
    await open()
    for (let n = 0; n < 50; n++) {
      const event = bench.peer.message(n, { to: bench.me.key, content: `n${n}` })
      relay.store(event)
      other.store(event)
    }
    await bench.watch.until(() => bench.contents().size === 50)
    await bench.watch.until(() => bench.isWhole(relay.url) && bench.isWhole(other.url))

    expect(bench.arrivals).toHaveLength(50)
  })

  it('calls no relay whole while an event that it sent too is still being taken in', async () => {
    let release = (): void => undefined
    const gate = new Promise<void>((resolve) => (release = resolve))
    const event = (await transportBench({ relays: [] })).peer
    bench = await transportBench({ relays: [{ url: relay.url }, { url: other.url }], intake: () => gate })
    const message = event.message(1, { to: bench.me.key })
    relay.events.push(message)
    other.events.push(message)
    bench.start()
    await relay.watch.until(() => relay.requests.length >= 6)
    await other.watch.until(() => other.requests.length >= 6)
    expect([bench.isWhole(relay.url), bench.isWhole(other.url)]).toEqual([false, false])

    release()
    await bench.watch.until(() => bench.isWhole(relay.url) && bench.isWhole(other.url))
    expect(bench.arrivals).toHaveLength(1)
  })
})
