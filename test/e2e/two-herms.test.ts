import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { HermPart } from '../../src/cli/two-system/mesh.js'
import { sampleTxxms } from '../../src/cli/two-system/sample.js'
import { pairScope } from '../../src/core/decision.js'
import { tagValue } from '../../src/core/event.js'
import type { JsonObject, NostrEvent } from '../../src/core/types.js'
import { startKsp } from '../../src/ops/child.js'
import type { InboxLine } from '../../src/ports.js'
import { daemon, daemonIds } from '../support/daemon.js'
import { eventually } from '../support/eventually.js'
import { hermsIn, relayIn, startAll, tempDir } from '../support/mesh-of.js'
import { startOddRelay } from '../support/odd-relay.js'
import { connectClient } from '../support/relay-client.js'
import { ask, ksp, query, send, statusOf } from '../support/running-herm.js'

const A = 'herm-qubes-alpha'
const B = 'herm-qubes-beta'
const C = 'mkctp-gamma'
/** Short waits: what is lost on the way is sent again soon. */
const IMPATIENT = 'delivery: { receipt_timeout: 1s, backoff_min: 100ms, backoff_max: 1s }'

interface Delivered {
  readonly to: string
  readonly state: string
  readonly code?: string
}

/** Resolves with the deliveries of a message when the peers have acknowledged it. */
const isDone = async (herm: HermPart, ...ids: string[]): Promise<Delivered[][]> => {
  const waited = (await ask(herm, 'wait', { ids, stage: 'done', timeout_ms: 40_000 })) as {
    reached: boolean
    deliveries: Delivered[]
  }[]
  expect(waited.map((w) => w.reached)).toEqual(ids.map(() => true))
  return waited.map((w) => w.deliveries)
}

const inboxOf = async (herm: HermPart): Promise<(Omit<InboxLine, 'body'> & { body: JsonObject })[]> => {
  const text = await ksp(herm, 'inbox', '--json', '--limit', '1000')
  return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as never)
}

const scopesOf = async (herm: HermPart): Promise<Record<string, { root: string; count: number }>> => {
  const { braid } = await statusOf(herm)
  return Object.fromEntries(braid.scopes.map(({ scope, root, count }) => [scope, { root, count }]))
}

const sees = (herm: HermPart, ...others: HermPart[]): Promise<unknown> =>
  eventually(
    `${herm.id} sees ${others.map((o) => o.id).join(' and ')}`,
    () => statusOf(herm),
    (s) => others.every((o) => s.peers.some((p) => p.key === o.key && p.status === 'active')),
  )

describe('the roads between two Herms', () => {
  it('brings sealed and clear messages, and answers each on its own road', async () => {
    const dir = tempDir()
    const relay = await relayIn(dir)
    const [a, b] = (await hermsIn(dir, [relay.url], [{ id: A }, { id: B }])) as [HermPart, HermPart]
    await startAll([a, b])

    const sealed = await send(a, { to: [b.id], key: 'one', payload: { text: 'for beta alone' } })
    const clear = await send(a, { to: [b.id], key: 'two', payload: { text: 'for all to read' }, public: true })
    await isDone(a, sealed, clear)

    const inbox = await inboxOf(b)
    expect(inbox.map((l) => [l.id, l.road, l.confidential, l.stage]).toSorted()).toEqual(
      [
        [sealed, 'nip44', true, 'done'],
        [clear, 'public', false, 'done'],
      ].toSorted(),
    )
    for (const herm of [a, b]) expect(await daemonIds(herm)).toEqual([sealed, clear].toSorted())
    const scope = pairScope(a.key, b.key)
    expect((await scopesOf(b))[scope]).toEqual((await scopesOf(a))[scope])

    const client = await connectClient(relay.url)
    const events = await client.stored({ kinds: [30_078], '#p': [a.key, b.key] })
    await client.close()
    const isSealed = (e: NostrEvent): boolean => tagValue(e, 'd')?.startsWith('enc-') === true
    for (const event of events.filter(isSealed)) {
      // Nothing but the addressee shows, and nothing of it is JSON.
      expect(event.tags.map(([name]) => name).toSorted()).toEqual(['d', 'expiration', 'p', 't'])
      expect(event.content).toMatch(/^[A-Za-z0-9+/]+=*$/)
    }
    const open = events.filter((e) => !isSealed(e)).map((e) => JSON.parse(e.content) as JsonObject)
    expect(open.filter((c) => c['type'] === 'txxm-envelope').map((c) => c['sha256'])).toEqual([clear])
    expect(JSON.stringify(events)).not.toContain('for beta alone')
    // What came sealed is never answered in the clear.
    const receipts = open.filter((c) => c['type'] === 'receipt').map((c) => JSON.stringify(c))
    expect(receipts.length).toBeGreaterThan(0)
    expect(receipts.every((r) => r.includes(clear) && !r.includes(sealed))).toBe(true)
  })

  it('counts the receipt for an event that the relay has refused and passed on all the same', async () => {
    const dir = tempDir()
    const relay = await startOddRelay()
    onTestFinished(() => relay.stop())
    const [a, b] = (await hermsIn(
      dir,
      [relay.url],
      [
        { id: A, yaml: IMPATIENT },
        { id: B, yaml: IMPATIENT },
      ],
    )) as [HermPart, HermPart]
    relay.manners.answer = (event) => {
      if (event.pubkey !== a.key || tagValue(event, 'd')?.startsWith('enc-') !== true) return [true, '']
      relay.store(event)
      return [false, 'error: the disk is full']
    }
    await startAll([a, b])

    const id = await send(a, { to: [b.id], key: 'one' })

    await isDone(a, id)
    expect((await inboxOf(b)).map((l) => l.id)).toEqual([id])
  })

  it('needs one relay of several: a dead one and a silent one hold nothing up', async () => {
    const dir = tempDir()
    const silent = await startOddRelay({ dead: true })
    onTestFinished(() => silent.stop())
    const [first, second] = [await relayIn(dir, 'first'), await relayIn(dir, 'second')]
    const relays = ['ws://127.0.0.1:1', silent.url, first.url, second.url]
    const [a, b] = (await hermsIn(dir, relays, [
      { id: A, yaml: IMPATIENT },
      { id: B, yaml: IMPATIENT },
    ])) as [HermPart, HermPart]
    await startAll([a, b])

    const one = await send(a, { to: [b.id], key: 'one' })
    await isDone(a, one)
    await first.stop('SIGKILL')
    const two = await send(a, { to: [b.id], key: 'two' })
    await isDone(a, two)

    expect((await inboxOf(b)).map((l) => l.id)).toEqual([one, two])
    const { relays: states } = await eventually(
      'the relays that are gone are shown as such',
      () => statusOf(a),
      (s) => s.relays.filter((r) => r.state !== 'open').length === 2,
    )
    expect(states.map((r) => [r.url, r.state === 'open'])).toEqual([
      ['ws://127.0.0.1:1', false],
      [silent.url, true],
      [first.url, false],
      [second.url, true],
    ])
    expect(states[0]?.reason).toMatch(/ECONNREFUSED|EADDRNOTAVAIL|EACCES/)
  })
})

describe('routing by name among three Herms', () => {
  it('brings a name to the Herm that serves the longest part of it and is granted that, and to no other', async () => {
    const dir = tempDir()
    const relay = await relayIn(dir)
    const members = [
      { id: A },
      { id: B, kor: ['room.kor'] },
      // Says that it serves the longer name too, which nobody has granted it.
      { id: C, kor: ['hall.kor', 'submission.room.kor'], granted: ['hall.kor'] },
    ]
    const [a, b, c] = (await hermsIn(dir, [relay.url], members)) as [HermPart, HermPart, HermPart]
    await startAll([a, b, c])
    await sees(a, b, c)
    const sendTo = async (kor: string): Promise<string> => {
      const args = ['--kor', kor, '--action', 'room.post', '--payload', '{}', '--wait', 'done', '--json']
      return (JSON.parse(await ksp(a, 'send', ...args)) as { id: string }).id
    }

    const toRoom = await sendTo('member.submission.room.kor')
    const toRest = await sendTo('hall.kor')

    expect((await inboxOf(b)).map((l) => [l.id, l.body['target_kor']])).toEqual([
      [toRoom, 'member.submission.room.kor'],
    ])
    expect((await inboxOf(c)).map((l) => [l.id, l.body['target_kor']])).toEqual([[toRest, 'hall.kor']])
    const unserved = {
      key: 'none',
      to: [],
      kor: 'nobody.example',
      type: 'submission',
      action: 'room.post',
      payload: {},
    }
    expect(await ask(a, 'send', { orders: [unserved] })).toEqual([
      { refusal: { code: 'not-addressed', message: expect.stringContaining('nobody.example') as string } },
    ])
  })

  it('brings gossip to everyone, and all three gossip roots are equal', async () => {
    const dir = tempDir()
    const relay = await relayIn(dir)
    const herms = (await hermsIn(dir, [relay.url], [{ id: A }, { id: B }, { id: C }])) as [HermPart, HermPart, HermPart]
    await startAll(herms)
    const count = 20
    const total = count * herms.length

    for (const herm of herms) {
      const file = join(herm.dir, 'gossip.jsonl')
      const lines = sampleTxxms(count).map((t) => JSON.stringify({ ...t, payload: { ...t.payload, by: herm.id } }))
      writeFileSync(file, lines.join('\n'))
      await ksp(herm, 'send', '--file', file, '--kor', 'sys.pluronymous.org', '--public')
    }

    const gossip = await Promise.all(
      herms.map((herm) =>
        eventually(
          `${herm.id} and its kapnetd hold all gossip`,
          async () => ({ ...(await scopesOf(herm))['gossip'], daemon: await daemon(herm, 'braid') }),
          (g) => g.count === total && g.daemon['count'] === total,
        ),
      ),
    )
    expect(new Set(gossip.map((g) => g.root)).size).toBe(1)
    expect(new Set(gossip.map((g) => g.daemon['root']))).toEqual(new Set([gossip[0]?.root]))
    // Nobody owes anybody a receipt for it.
    const client = await connectClient(relay.url)
    const addressed = await client.stored({ kinds: [30_078], '#p': herms.map((h) => h.key) })
    await client.close()
    expect(addressed).toEqual([])
    for (const herm of herms)
      expect(JSON.parse(await ksp(herm, 'braid', 'verify', '--json'))).toMatchObject({ ok: true })
  })
})

describe('a TXXM that a local daemon made', () => {
  const made = (over: JsonObject = {}): JsonObject => ({
    type: 'submission',
    action: 'room.post',
    target_kor: 'submission.room.kor',
    source_kor: `${A}.sys.pluronymous.org`,
    payload: { text: 'Grüße 世界', n: 1e21, list: [1, null, { b: 1, a: 2 }] },
    x_extra: { kept: true },
    ...over,
  })

  it('arrives at the peer’s daemon with its body unchanged', async () => {
    const dir = tempDir()
    const relay = await relayIn(dir)
    const [a, b] = (await hermsIn(dir, [relay.url], [{ id: A }, { id: B, kor: ['room.kor'] }])) as [HermPart, HermPart]
    await startAll([a, b])
    await sees(a, b)
    const bodies = [
      // As older software writes it, and whole.
      made(),
      made({ sender: a.key, nonce: '18446744073709551615', audience: [b.key] }),
    ]

    const ids: string[] = []
    for (const txxm of bodies) ids.push((await daemon(a, 'make_txxm', { txxm }))['txxm_id'] as string)
    await eventually(
      'both daemons hold both',
      () => daemonIds(b),
      (held) => held.length === 2,
    )

    expect(await daemonIds(b)).toEqual(ids.toSorted())
    for (const [i, id] of ids.entries()) {
      expect(await daemon(b, 'get_txxm', { txxm_id: id })).toMatchObject({ txxm: bodies[i], origin: 'bridge' })
    }
    await isDone(a, ...ids)
    const scope = pairScope(a.key, b.key)
    const pair = (await scopesOf(a))[scope]
    expect(pair?.count).toBe(2)
    expect((await scopesOf(b))[scope]).toEqual(pair)
  })

  it('waits while nobody serves its name, over a restart too, and leaves when a Herm that does shows up', async () => {
    const dir = tempDir()
    const relay = await relayIn(dir)
    const [a, b] = (await hermsIn(dir, [relay.url], [{ id: A }, { id: B, kor: ['room.kor'] }])) as [HermPart, HermPart]
    await startAll([a])
    const id = (await daemon(a, 'make_txxm', { txxm: made() }))['txxm_id'] as string
    const waiting = (): Promise<{ name: string; state: string }[]> =>
      Promise.resolve(query(a, 'SELECT t.name, d.state FROM deliveries d JOIN destinations t ON t.id = d.destination'))
    await eventually('it waits under its name', waiting, (rows) => rows.length === 1)
    expect(await waiting()).toEqual([{ name: 'kor:submission.room.kor', state: 'queued' }])
    await a.bridge.stop('SIGKILL')
    await a.bridge.start()
    expect(await waiting()).toEqual([{ name: 'kor:submission.room.kor', state: 'queued' }])

    await startAll([b])

    await eventually(
      'the daemon of the other Herm holds it',
      () => daemonIds(b),
      (held) => held.length === 1,
    )
    expect(await daemonIds(b)).toEqual([id])
    await isDone(a, id)
  })
})

describe('the end of a bridge', () => {
  const statusesOf = async (
    url: string,
    herm: HermPart,
  ): Promise<{ seen: string[]; close: () => Promise<unknown> }> => {
    const client = await connectClient(url)
    const seen: string[] = []
    client.socket.on('message', (data: Buffer) => {
      const [verb, , event] = JSON.parse(data.toString()) as [string, string, NostrEvent | undefined]
      if (verb === 'EVENT' && event !== undefined) seen.push((JSON.parse(event.content) as { status: string }).status)
    })
    client.send('REQ', 'watch', { kinds: [30_078], authors: [herm.key], '#t': ['ksp-service'] })
    await client.take('EOSE', 'watch')
    return { seen, close: client.close }
  }

  it('is told to the others, and so is the next start, however soon it comes and whatever its clock says', async () => {
    const dir = tempDir()
    const relay = await relayIn(dir)
    const [a, b] = (await hermsIn(dir, [relay.url], [{ id: A }, { id: B }])) as [HermPart, HermPart]
    await startAll([a, b])
    await sees(b, a)
    const told = await statusesOf(relay.url, a)
    const statusAtB = async (): Promise<string | undefined> =>
      (await statusOf(b)).peers.find((p) => p.key === a.key)?.status

    const bridge = a.bridge.child
    await a.bridge.stop()
    expect((await bridge?.ended)?.code).toBe(0)
    await eventually(
      'the end is heard',
      () => told.seen,
      (seen) => seen.includes('offline'),
    )
    expect(told.seen.slice(-2)).toEqual(['draining', 'offline'])
    await eventually('the peer knows', statusAtB, (status) => status === 'offline')

    // Each node-info is newer than the one before, also where a clock was set back meanwhile.
    const back = startKsp(['run', '--config', a.config, '--test-clock'], { env: { KSP_TEST_CLOCK_OFFSET_S: '-60' } })
    onTestFinished(() => back.stop().then(() => undefined))
    await eventually('the peer knows', statusAtB, (status) => status === 'active')
    await told.close()
  })

  it('is not brought about by a second bridge on the same data folder, which exits with 2', async () => {
    const dir = tempDir()
    const relay = await relayIn(dir)
    const [a] = (await hermsIn(dir, [relay.url], [{ id: A }])) as [HermPart]
    await startAll([a])

    const second = startKsp(['run', '--config', a.config])
    const { code } = await second.ended

    expect(code).toBe(2)
    expect(second.out).toEqual([])
    expect(second.err.join('\n')).toMatch(/another bridge runs on/)
    expect((await statusOf(a)).pid).toBe(a.bridge.child?.pid)
  })

  it('comes within 10 s of SIGTERM though a relay never answers, and loses nothing', async () => {
    const dir = tempDir()
    const relay = await startOddRelay()
    onTestFinished(() => relay.stop())
    const [a, b] = (await hermsIn(
      dir,
      [relay.url],
      [
        { id: A, yaml: IMPATIENT },
        { id: B, yaml: IMPATIENT },
      ],
    )) as [HermPart, HermPart]
    await startAll([a, b])
    await sees(a, b)
    relay.manners.answer = () => undefined
    const ids = []
    for (const key of ['one', 'two', 'three']) ids.push(await send(a, { to: [b.id], key }))

    const child = a.bridge.child
    const ended = a.bridge.stop('SIGTERM')
    await eventually(
      'it has ended',
      () => child?.process.exitCode,
      (code) => code !== null,
      10_000,
    )
    await ended
    expect(child?.process.exitCode).toBe(0)

    relay.manners.answer = () => [true, '']
    await a.bridge.start()
    await isDone(a, ...ids)
    expect((await inboxOf(b)).map((l) => l.id).toSorted()).toEqual(ids.toSorted())
  })

  it('in the middle of messages loses none of those it has taken', async () => {
    const dir = tempDir()
    const relay = await relayIn(dir)
    const [a, b] = (await hermsIn(
      dir,
      [relay.url],
      [
        { id: A, yaml: IMPATIENT },
        { id: B, yaml: IMPATIENT },
      ],
    )) as [HermPart, HermPart]
    await startAll([a, b])
    const file = join(a.dir, 'messages.jsonl')
    const count = 200
    writeFileSync(
      file,
      sampleTxxms(count)
        .map((t) => JSON.stringify(t))
        .join('\n'),
    )
    await ksp(a, 'send', '--file', file, '--to', b.id)
    await eventually(
      'some have arrived',
      () => query<{ n: number }>(b, 'SELECT count(*) AS n FROM messages')[0]?.n ?? 0,
      (n) => n > 0,
    )

    const [childA, childB] = [a.bridge.child, b.bridge.child]
    await Promise.all([a.bridge.stop(), b.bridge.stop()])
    expect((await childA?.ended)?.code).toBe(0)
    expect((await childB?.ended)?.code).toBe(0)
    await Promise.all([a.bridge.start(), b.bridge.start()])

    await eventually(
      'every one is done',
      () => statusOf(a),
      (s) => s.deliveries.done === 2 * count,
    )
    expect(await daemonIds(b)).toHaveLength(count)
    expect(await daemonIds(b)).toEqual(await daemonIds(a))
  })
})

describe('trust on first use', () => {
  it('pins the first key that claims a named id, and shows the second one as a conflict', async () => {
    const dir = tempDir()
    const relay = await relayIn(dir)
    const [b] = (await hermsIn(
      dir,
      [relay.url],
      [{ id: B, yaml: `trust: { mode: tofu, peers: [{ id: ${A}, kor: [sys.pluronymous.org] }] }` }],
    )) as [HermPart]
    const [a] = (await hermsIn(
      join(dir, 'first'),
      [relay.url],
      [{ id: A, yaml: `${IMPATIENT}\ntrust: { peers: [{ key: ${b.npub}, id: ${B} }] }` }],
    )) as [HermPart]
    const [other] = (await hermsIn(
      join(dir, 'second'),
      [relay.url],
      [{ id: A, yaml: `${IMPATIENT}\ntrust: { peers: [{ key: ${b.npub}, id: ${B} }] }` }],
    )) as [HermPart]
    await startAll([b, a])
    const first = await send(a, { to: [b.npub], key: 'one' })
    await isDone(a, first)

    await startAll([other])
    await send(other, { to: [b.npub], key: 'two' })

    const status = await eventually(
      'the conflict shows',
      () => statusOf(b),
      (s) => s.conflicts.length > 0 && (s.refusals['untrusted-sender'] ?? 0) > 0,
    )
    expect(status.conflicts.join()).toContain(other.key)
    expect(status.peers).toEqual([expect.objectContaining({ id: A, key: a.key, trusted: true, why: 'tofu' })])
    expect((await inboxOf(b)).map((l) => l.id)).toEqual([first])
    // The pin outlives the process.
    await b.bridge.stop('SIGKILL')
    await b.bridge.start()
    expect((await statusOf(b)).peers.map((p) => p.key)).toEqual([a.key])
  })
})
