import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { Fault } from '../../../src/core/fault.js'
import type { NostrEvent } from '../../../src/core/types.js'
import { startOddRelay, type Manners, type OddRelay } from '../../support/odd-relay.js'
import { nowMs, nowSec, transportBench, type Bench, type BenchOptions } from '../../support/transport-bench.js'
import { watching } from '../../support/watching.js'

/** Real sockets, and a relay that behaves as relays do in the wild. What is asked each time: is anything lost? */
describe('reading a relay', () => {
  let relay: OddRelay
  let bench: Bench
  beforeEach(async () => {
    relay = await startOddRelay()
  })
  afterEach(async () => {
    await bench.stop()
    await relay.stop()
  })

  const open = async (options: Partial<BenchOptions> = {}, manners: Partial<Manners> = {}): Promise<void> => {
    Object.assign(relay.manners, manners)
    bench = await transportBench({ relays: [{ url: relay.url }], ...options })
  }
  const whole = (): Promise<void> => bench.watch.until(() => bench.isWhole(relay.url))
  const texts = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `n${from + i}`)
  const messages = (from: number, to: number, at: (n: number) => number = nowSec): NostrEvent[] =>
    Array.from({ length: to - from }, (_, i) => i + from).map((n) =>
      bench.peer.message(n, { to: bench.me.key, content: `n${n}`, at: at(n) }),
    )
  const arrived = (from: number, to: number): Promise<void> =>
    bench.watch.until(() => texts(from, to).every((t) => bench.contents().has(t)))

  it('brings what was stored before, and what comes live', async () => {
    await open()
    for (const event of messages(0, 10)) relay.store(event)
    bench.start()
    await whole()

    for (const event of messages(10, 20)) relay.store(event)
    await arrived(0, 20)

    expect(bench.arrivals).toHaveLength(20)
    expect(bench.arrivals[0]).toMatchObject({
      carrier: bench.peer.key,
      road: 'public',
      confidential: false,
      toUs: true,
      relay: relay.url,
    })
  })

  it('loses nothing of 100 events sent while it was disconnected and 100 after, in whatever second they were made', async () => {
    await open()
    bench.start()
    await whole()
    await relay.stop()
    const before = messages(0, 100)
    relay.events.push(...before)

    await relay.start()
    for (const event of messages(100, 200)) relay.store(event)
    await arrived(0, 200)

    expect(bench.arrivals).toHaveLength(200)
  })

  it('brings each event once over many connections that break', async () => {
    let opened = 0
    await open({ onOpen: () => opened++ })
    bench.start()
    for (let round = 0; round < 5; round++) {
      await bench.watch.until(() => opened > round)
      for (const event of messages(round * 20, round * 20 + 20)) relay.store(event)
      relay.drop()
    }
    await arrived(0, 100)

    expect(bench.arrivals).toHaveLength(100)
  })

  it('is not silenced by an event dated 4000000000', async () => {
    await open()
    relay.store(bench.peer.message('junk', { to: bench.me.key, at: 4_000_000_000, content: 'future' }))
    bench.start()
    await whole()
    expect(bench.memory.get(relay.url)!.lastWhole).toBeLessThanOrEqual(nowMs())
    relay.drop()
    await relay.stop()
    relay.events.push(...messages(0, 5))
    await relay.start()

    await arrived(0, 5)
    for (const event of messages(5, 10)) relay.store(event)
    await arrived(5, 10)

    expect(bench.contents().has('future')).toBe(true)
  })

  it('finds what lies behind a whole page of events dated far ahead', async () => {
    await open({}, { maxPage: 10 })
    const junk = Array.from({ length: 30 }, (_, n) =>
      bench.stranger.message(`junk-${n}`, { to: bench.me.key, at: 4_000_000_000 + n }),
    )
    relay.events.push(...junk, ...messages(0, 25, (n) => nowSec() - n * 60))
    bench.start()
    await whole()

    expect(bench.contents()).toEqual(new Set(texts(0, 25)))
  })

  it('pages through more than a relay gives at once', async () => {
    await open({}, { maxPage: 7 })
    relay.events.push(...messages(0, 100, (n) => nowSec() - Math.floor(n / 3)))
    bench.start()
    await whole()

    expect(bench.contents()).toEqual(new Set(texts(0, 100)))
  })

  it('reads on past a second that holds more than a page', async () => {
    await open({}, { maxPage: 10 })
    const crowded = nowSec() - 100
    relay.events.push(...messages(0, 15, () => crowded), ...messages(15, 40, (n) => nowSec() - 200 - n))
    bench.start()
    await whole()

    for (const text of texts(15, 40)) expect(bench.contents()).toContain(text)
  })

  it('finds a trusted peer in a second that is crowded with junk', async () => {
    await open({}, { maxPage: 10 })
    const crowded = nowSec() - 100
    const junk = Array.from({ length: 50 }, (_, n) => bench.stranger.message(n, { to: bench.me.key, at: crowded }))
    relay.events.push(...junk, ...messages(0, 5, () => crowded), ...messages(5, 10, () => crowded - 50))
    bench.start()
    await whole()

    expect(bench.contents()).toEqual(new Set(texts(0, 10)))
  })

  it('takes a relay that ignores limit and until, and sends everything three times', async () => {
    await open({}, { ignoreLimit: true, ignoreUntil: true, copies: 3 })
    relay.events.push(...messages(0, 50, (n) => nowSec() - n))
    bench.start()
    await whole()

    expect(bench.arrivals).toHaveLength(50)
  })

  it('takes what a relay without EOSE sends, and does not call it whole', async () => {
    await open({ limits: { silenceMs: 50 } }, { eose: false })
    relay.events.push(...messages(0, 10))
    bench.start()
    await arrived(0, 10)
    await relay.watch.until(() => relay.requests.filter((r) => r.sub.startsWith('page-')).length > 6)
    expect(bench.isWhole(relay.url)).toBe(false)

    relay.manners.eose = true
    await whole()
  })

  it('asks again after CLOSED, of a page and of a live subscription', async () => {
    await open({}, { closeNext: ['error: busy', 'error: busy', 'rate-limited: slow', 'error: again', 'error: again'] })
    relay.events.push(...messages(0, 5))
    bench.start()
    await whole()
    for (const event of messages(5, 10)) relay.store(event)
    await arrived(0, 10)

    const live = relay.requests.filter((r) => r.sub.startsWith('live-')).at(-1)!
    relay.say(JSON.stringify(['CLOSED', live.sub, 'error: shutting down idle subscription']))
    const asked = relay.requests.length
    await relay.watch.until(() => relay.requests.length > asked)
  })

  it('shows why nothing can be read, until all is read', async () => {
    const reason = (): string | undefined => bench.transport.status()[0]?.reason
    await open({}, { closeNext: Array.from({ length: 100 }, () => 'restricted: go away') })
    bench.start()
    await relay.watch.until(() => relay.manners.closeNext.length < 95)
    await relay.watch.until(() => reason() === 'reading refused: restricted: go away')

    relay.manners.closeNext = []
    await whole()

    expect(reason()).toBeUndefined()
  })

  it('does not move the time of the last whole read while a subscription is closed', async () => {
    await open()
    bench.start()
    await whole()
    const { lastWhole } = bench.memory.get(relay.url)!
    relay.manners.closeNext = Array.from({ length: 100 }, () => 'restricted: go away')
    relay.drop()
    await relay.watch.until(() => relay.manners.closeNext.length < 95)

    expect(bench.memory.get(relay.url)!.lastWhole).toBe(lastWhole)
  })

  it('survives frames that are junk', async () => {
    await open()
    bench.start()
    await whole()
    const good = messages(0, 1)[0]!
    const junk: (string | Buffer)[] = [
      '',
      'null',
      '{}',
      '[]',
      '["EVENT"]',
      '["EVENT","x"]',
      '["EVENT","x",null]',
      '["EVENT","x",{"id":1}]',
      '["EVENT",5,{}]',
      '["OK","x"]',
      '["EOSE",{}]',
      '["CLOSED"]',
      '["NOTICE",{"a":1}]',
      `["AUTH",${JSON.stringify('x'.repeat(100_000))}]`,
      '['.repeat(100_000),
      JSON.stringify(['EVENT', 'x', { ...good, content: 'changed' }]),
      JSON.stringify(['EVENT', 'x', { ...good, sig: '0'.repeat(128) }]),
      JSON.stringify(['EVENT', 'x', { ...good, tags: [[1]] }]),
      Buffer.from([0xff, 0xfe, 0x00]),
    ]
    for (const data of junk) relay.say(data)
    relay.store(good)
    await arrived(0, 1)

    expect(relay.connections()).toBe(1)
    const codes = bench.refused.map((r) => r.code).sort()
    expect(codes).toEqual(['bad-event', 'bad-event', 'bad-event', 'bad-event', 'bad-signature'])
  })

  it('reads past a frame of 3 MiB that would end every connection', async () => {
    await open()
    relay.events.push(bench.stranger.message('huge', { to: bench.me.key, content: 'x'.repeat(3 * 1024 * 1024) }))
    relay.events.push(...messages(0, 5, () => nowSec() - 50))
    bench.start()
    await whole()

    expect(bench.contents()).toEqual(new Set(texts(0, 5)))
    expect(bench.refused.every((r) => r.code === 'too-large')).toBe(true)
    expect(relay.connections()).toBe(2)
  })

  it('answers AUTH, and asks again for what it was refused before', async () => {
    await open({}, { auth: true })
    await relay.stop()
    await relay.start()
    relay.events.push(...messages(0, 5))
    bench.start()
    await whole()

    expect(bench.contents()).toEqual(new Set(texts(0, 5)))
    expect(relay.authed[0]).toMatchObject({ kind: 22242, pubkey: bench.me.key })
    expect(relay.authed[0]!.tags).toEqual([
      ['relay', relay.url],
      ['challenge', 'challenge-1'],
    ])
    expect(bench.transport.status()[0]).toMatchObject({ state: 'open', authed: true })
  })

  it('goes on reading when the signer throws at AUTH, or never answers', async () => {
    let calls = 0
    const signEvent = (): Promise<NostrEvent> =>
      calls++ === 0 ? Promise.reject(new Error('locked')) : new Promise(() => undefined)
    await open({ signer: { signEvent }, limits: { okTimeoutMs: 50 } })
    bench.start()
    await whole()
    relay.say(JSON.stringify(['AUTH', 'one']))
    relay.say(JSON.stringify(['AUTH', 'two']))
    for (const event of messages(0, 5)) relay.store(event)
    await arrived(0, 5)

    expect(calls).toBe(2)
    expect(bench.transport.status()[0]!.authed).toBe(false)
  })

  it('ends a connection that has died in silence, and comes back', async () => {
    await open({
      limits: { link: { connectTimeoutMs: 5_000, pingAfterMs: 30, pongTimeoutMs: 30, maxBufferedBytes: 1e6 } },
    })
    bench.start()
    await whole()
    relay.manners.dead = true
    await relay.watch.until(() => relay.connections() > 1)

    relay.manners.dead = false
    for (const event of messages(0, 5)) relay.store(event)
    await arrived(0, 5)
    expect(bench.transport.status()[0]!.received).toBeGreaterThan(0)
  })

  it('makes a relay wait while the intake is behind, and then has all of it', async () => {
    let release = (): void => undefined
    const gate = new Promise<void>((resolve) => (release = resolve))
    const paused = watching()
    let pauses = 0
    class Told extends WebSocket {
      override pause(): void {
        super.pause()
        pauses++
        paused.changed()
      }
    }
    await open({
      intake: () => gate,
      webSocket: Told,
      limits: { inbox: { maxItems: 20, maxBytes: 1e9, maxBatch: 5 } },
    })
    // 20 MB: more than the sockets in between can hold.
    const filler = 'x'.repeat(100_000)
    const many = Array.from({ length: 200 }, (_, n) =>
      bench.peer.message(n, { to: bench.me.key, content: `n${n} ${filler}`, at: nowSec() - n }),
    )
    relay.events.push(...many)
    bench.start()
    await paused.until(() => pauses > 0)
    expect(bench.transport.status()[0]!.received).toBeLessThan(50)

    release()
    await whole()
    expect(bench.contents().size).toBe(200)
  })

  it('offers again what the intake could not write', async () => {
    let failures = 2
    await open({
      intake: () => (failures-- > 0 ? Promise.reject(new Fault('store', 'disk full')) : Promise.resolve()),
    })
    relay.events.push(...messages(0, 5))
    bench.start()
    await whole()

    expect(bench.arrivals).toHaveLength(5)
  })

  it('ends with the error when the intake has a bug', async () => {
    await open({ intake: () => Promise.reject(new TypeError('a bug')) })
    relay.events.push(...messages(0, 1))
    const ended = bench.transport.run(new AbortController().signal)

    await expect(ended).rejects.toThrow('a bug')
  })

  it('reads from an hour before the last whole read after a restart, and all of the age when told to', async () => {
    await open()
    const old = messages(0, 5, () => nowSec() - 3 * 3_600)
    bench.start()
    await whole()
    await bench.stop()
    relay.events.push(...old, ...messages(5, 10, () => nowSec() - 1_800))

    bench = await transportBench({ relays: [{ url: relay.url }], after: bench })
    bench.start()
    await arrived(5, 10)
    await bench.watch.until(() => bench.transport.status()[0]!.state === 'open')
    expect(bench.contents()).toEqual(new Set(texts(5, 10)))

    bench.transport.rereadAll()
    await arrived(0, 5)
  })

  it('remembers over a restart that it was told to read all again', async () => {
    await open()
    bench.start()
    await whole()
    await relay.stop()
    bench.transport.rereadAll()
    await bench.watch.until(() => !bench.isWhole(relay.url))
    await bench.stop()
    relay.events.push(...messages(0, 5, () => nowSec() - 5 * 24 * 3_600))
    await relay.start()

    bench = await transportBench({ relays: [{ url: relay.url }], after: bench })
    bench.start()
    await whole()

    expect(bench.contents()).toEqual(new Set(texts(0, 5)))
  })

  it('brings what a peer sent before it was trusted, once it is', async () => {
    let trusted = false
    await open({ trusts: () => trusted })
    relay.events.push(bench.stranger.message(1, { to: bench.me.key, content: 'early' }))
    bench.start()
    await whole()
    expect(bench.refused).toMatchObject([{ code: 'untrusted-sender' }])

    trusted = true
    bench.transport.rereadAll()
    await bench.watch.until(() => bench.contents().has('early'))
  })

  it('asks for the inbox of wire.md 3 and for discovery', async () => {
    await open({ relays: [{ url: relay.url, roads: ['public', 'nip44'] }] })
    bench.start()
    await whole()

    const live = relay.requests.filter((r) => r.sub.startsWith('live-')).map((r) => r.filters[0]!)
    const since = live[0]!.since!
    expect(since).toBeLessThanOrEqual(nowSec() - 7 * 24 * 3_600)
    expect(live).toEqual([
      { kinds: [30078], '#p': [bench.me.key], since, limit: 1 },
      { kinds: [30078], authors: [bench.peer.key], '#t': ['kapnet'], since, limit: 1 },
      { kinds: [30078], '#t': ['ksp-service'], since, limit: 1 },
    ])
  })
})
