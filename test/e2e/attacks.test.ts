import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  makeHerm,
  startRelayPart,
  writeConfig,
  type HermPart,
  type HermSettings,
  type RelayPart,
} from '../../src/cli/two-system/mesh.js'
import type { RefusalCode } from '../../src/core/refusal.js'
import type { JsonObject, NostrEvent } from '../../src/core/types.js'
import type { Child } from '../../src/ops/child.js'
import { eventually } from '../support/eventually.js'
import { handHerm, listen, nowSec, sha256Of, type Ear, type HeardReceipt } from '../support/hand-herm.js'
import { rawClient } from '../support/kapnetd.js'
import { startLaxRelay } from '../support/lax-part.js'
import { connectClient, type RelayClient } from '../support/relay-client.js'
import {
  ask,
  daemonHolds,
  holds,
  isQuiet,
  ksp,
  markOf,
  meets,
  query,
  send,
  statusOf,
  takenBy,
} from '../support/running-herm.js'

// Two Herms that trust each other, and between them whoever wishes them ill: third Herms that they trust too, whose keys are
// in the test's hand, strangers, and relays. `relay` is honest, `filtering` checks nothing but what was asked for, and `wild`
// not even that: all that it is given it sends to everyone.

const FAR_FUTURE = 4_000_000_000

const third = handHerm('herm-third')
const fourth = handHerm('herm-fourth')
const later = handHerm('herm-later')
const stranger = handHerm('herm-stranger')

let dir: string
let relay: RelayPart
let wild: { url: string; child: Child }
let filtering: { url: string; child: Child }
let a: HermPart
let b: HermPart
let toRelay: RelayClient
let toWild: RelayClient
let toFiltering: RelayClient
/** What the third Herm hears of b, on the wild relay. */
let thirdOfB: Ear

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'ksp-attacks-'))
  ;[relay, wild, filtering] = await Promise.all([startRelayPart(dir), startLaxRelay(), startLaxRelay('--filter')])
  const settingsOfA: HermSettings = { id: 'herm-qubes-alpha', relays: [relay.url], kapnetd: false }
  const settingsOfB: HermSettings = { id: 'herm-qubes-beta', relays: [relay.url, wild.url, filtering.url] }
  ;[a, b] = await Promise.all([makeHerm(dir, settingsOfA), makeHerm(dir, settingsOfB)])
  const kor = ['sys.pluronymous.org']
  const hands = [third, fourth].map(({ npub, id }) => ({ npub, id, kor }))
  writeConfig(a, settingsOfA, [{ npub: b.npub, id: b.id, kor }, ...hands])
  writeConfig(b, settingsOfB, [{ npub: a.npub, id: a.id, kor }, ...hands])
  await b.kapnetd.start()
  await Promise.all([a.bridge.start(), b.bridge.start()])
  ;[toRelay, toWild, toFiltering] = (await Promise.all([relay.url, wild.url, filtering.url].map(connectClient))) as [
    RelayClient,
    RelayClient,
    RelayClient,
  ]
  thirdOfB = await listen(wild.url, third, b.key)
  await Promise.all([meets(a, [b.key]), meets(b, [a.key])])
})

afterAll(async () => {
  await Promise.all([toRelay, toWild, toFiltering, thirdOfB].map((client) => client.close()))
  await Promise.all([a.bridge.stop(), b.bridge.stop()])
  await Promise.all([b.kapnetd.stop(), relay.stop(), wild.child.stop(), filtering.child.stop()])
  await rm(dir, { recursive: true, force: true })
})

/** On the honest relay. A relay that was stopped in between needs a new connection. */
const publish = async (event: NostrEvent): Promise<void> => {
  if (toRelay.socket.readyState !== toRelay.socket.OPEN) toRelay = await connectClient(relay.url)
  expect(await toRelay.publish(event)).toMatchObject({ accepted: true })
}

const refusalsOf = async (herm: HermPart, code: RefusalCode): Promise<number> =>
  (await statusOf(herm)).refusals[code] ?? 0

/** Does something, and waits until it was refused with that code. */
const refusedWith = async (herm: HermPart, code: RefusalCode, deed: () => Promise<unknown>): Promise<void> => {
  const before = await refusalsOf(herm, code)
  await deed()
  await eventually(
    `${code} is counted by ${herm.id}`,
    () => refusalsOf(herm, code),
    (count) => count > before,
  )
}

const heardAbout = (ear: Ear, event: NostrEvent, more: (r: HeardReceipt) => boolean = () => true) =>
  eventually(
    'a receipt comes',
    () => ear.about(event.id),
    (receipts) => receipts.some(more),
  )
const isDone = (r: HeardReceipt): boolean => r.stage === 'done'

/** A message of the third Herm comes through the wild relay and back; whatever was sent there before has been looked at. */
const bServes = async (): Promise<void> => {
  const good = third.txxm(b.key)
  const event = third.sealed(good.envelope(), b.key)
  await toWild.publish(event)
  await heardAbout(thirdOfB, event, isDone)
  expect(await daemonHolds(b, good.id)).toBe(true)
}

interface Waited {
  readonly reached: boolean
  readonly deliveries: { readonly to: string; readonly state: string }[]
}
const waitDone = async (herm: HermPart, id: string, timeoutMs = 40_000): Promise<Waited> => {
  const [state] = (await ask(herm, 'wait', { ids: [id], stage: 'done', timeout_ms: timeoutMs })) as Waited[]
  return state!
}
/** Where a delivery stands at this moment. */
const stateOf = async (herm: HermPart, id: string, to: string): Promise<string | undefined> =>
  (await waitDone(herm, id, 0)).deliveries.find((d) => d.to === to)?.state

/** A message as its own Herm keeps it: what a receiver of it could take it for and send on. */
const keptBy = (herm: HermPart, id: string): { body: JsonObject; attestation: JsonObject } => {
  const [row] = query<{ body: string; key: Buffer; at: number; sig: Buffer }>(
    herm,
    `SELECT body, attestation_key AS key, attestation_at AS at, attestation_sig AS sig FROM messages WHERE id = ?`,
    Buffer.from(id, 'hex'),
  )
  const { body, key, at, sig } = row!
  const attestation = { pubkey: key.toString('hex'), created_at: at, sig: sig.toString('hex') }
  return { body: JSON.parse(body) as JsonObject, attestation }
}
const envelopeOf = (body: JsonObject, more: JsonObject = {}): string =>
  JSON.stringify({ kapnet: '0.2.0', type: 'txxm-envelope', version: 1, txxm: body, sha256: sha256Of(body), ...more })

const daemonCount = async (herm: HermPart): Promise<number> => {
  const client = await rawClient(herm.kapnetdSocket)
  const { result } = (await client.call('braid')) as { result: { count: number } } & JsonObject
  client.close()
  return result.count
}

/** While the honest relay is away a message waits at `a`, and others are quicker. */
const whileAIsCutOff = async (deed: (id: string) => Promise<void>): Promise<string> => {
  await relay.stop()
  const id = await send(a, { to: [b.id], key: `cut-off-${Date.now()}-${Math.random()}` })
  await deed(id)
  await relay.start()
  return id
}

describe('a trusted third Herm', () => {
  it('that sends a copy first, with its attestation, only carries the message: it is delivered once and its author is answered', async () => {
    const before = await daemonCount(b)
    const id = await whileAIsCutOff(async (message) => {
      const { body, attestation } = keptBy(a, message)
      const copy = third.sealed(envelopeOf(body, { attestation }), b.key)
      await toWild.publish(copy)

      const receipts = await heardAbout(thirdOfB, copy, isDone)

      expect(receipts.at(-1)).toMatchObject({ status: 'accepted', ref: message })
      // What the two share is nobody else's to know.
      for (const receipt of receipts) expect(receipt).not.toHaveProperty('braid')
    })

    expect(await waitDone(a, id)).toMatchObject({ reached: true, deliveries: [{ to: b.key, state: 'done' }] })
    expect(await daemonHolds(b, id)).toBe(true)
    expect(await daemonCount(b)).toBe(before + 1)
    const [strand] = query(
      b,
      `SELECT lower(hex(author)) AS author, lower(hex(carrier)) AS carrier FROM messages WHERE id = ?`,
      Buffer.from(id, 'hex'),
    )
    expect(strand).toEqual({ author: a.key, carrier: third.key })
  })

  it('that sends a copy first, without its attestation or with one of its own, is refused; the author is not', async () => {
    const before = await daemonCount(b)
    const id = await whileAIsCutOff(async (message) => {
      const { body } = keptBy(a, message)
      for (const more of [{}, { attestation: third.attest('txxm-envelope', message) }]) {
        const copy = third.sealed(envelopeOf(body, more), b.key)
        await refusedWith(b, 'bad-signature', () => toWild.publish(copy))
        expect(await heardAbout(thirdOfB, copy)).toMatchObject([{ status: 'rejected', code: 'bad-signature' }])
      }
      expect(holds(b, message)).toBe(false)
    })

    expect(await waitDone(a, id)).toMatchObject({ reached: true, deliveries: [{ to: b.key, state: 'done' }] })
    expect(await daemonCount(b)).toBe(before + 1)
  })

  it('can not hand on an order to someone it was not given to', async () => {
    const id = await send(a, { to: [third.key], key: 'for-the-third-alone' })
    const { body, attestation } = keptBy(a, id)
    await isQuiet(b)
    const taken = takenBy(b)

    const handedOn = third.sealed(envelopeOf(body, { attestation }), b.key)
    await refusedWith(b, 'not-addressed', () => publish(handedOn))
    const widened = { ...body, audience: [third.key, b.key] }
    const rewritten = third.sealed(envelopeOf(widened, { attestation }), b.key)
    await refusedWith(b, 'bad-signature', () => publish(rewritten))

    expect(await heardAbout(thirdOfB, handedOn)).toMatchObject([{ status: 'rejected', code: 'not-addressed' }])
    expect(await heardAbout(thirdOfB, rewritten)).toMatchObject([{ status: 'rejected', code: 'bad-signature' }])
    expect(takenBy(b)).toEqual(taken)
    expect(await daemonHolds(b, id)).toBe(false)
    expect(await daemonHolds(b, sha256Of(widened))).toBe(false)
  })

  for (const [form, code] of [
    ['attested', 'not-addressed'],
    ['deniable', 'bad-signature'],
  ] as const)
    it(`can not reflect a sealed message back to its author (${form})`, async () => {
      const thirdOfA = await listen(relay.url, third, a.key)
      const id = await send(a, { to: [third.key], key: `reflected-${form}`, deniable: form === 'deniable' })
      const [got] = await eventually(
        'the third Herm has it',
        () => thirdOfA.messages().filter(({ text }) => text.includes(id)),
        (messages) => messages.length > 0,
      )
      const state = await stateOf(a, id, third.key)
      await isQuiet(a)
      const strands = takenBy(a).messages

      // The key that two Herms share is the same in both directions, so the ciphertext opens.
      const tags = got!.event.tags.map((tag) => (tag[0] === 'p' ? ['p', a.key] : [...tag]))
      const reflected = third.sign({ tags, content: got!.event.content })
      await refusedWith(a, code, () => publish(reflected))

      expect(await heardAbout(thirdOfA, reflected)).toMatchObject([{ status: 'rejected', code }])
      expect(takenBy(a).messages).toBe(strands)
      expect(query(a, `SELECT 1 FROM messages WHERE origin = 'peer' AND id = ?`, Buffer.from(id, 'hex'))).toEqual([])
      expect(await stateOf(a, id, third.key)).toBe(state)
      await thirdOfA.close()
    })

  it('can not bring back an old node-info', async () => {
    const at = nowSec()
    const present = fourth.nodeInfo({ capabilities: ['braid-sync'] }, at - 10)
    const old = fourth.nodeInfo({ status: 'offline', kor_namespaces: ['room.kor'] }, at - 500)
    const rowOf = async (): Promise<JsonObject | undefined> =>
      (await ksp(b, 'peers', 'list', '--json'))
        .split('\n')
        .map((line) => JSON.parse(line) as JsonObject)
        .find((row) => row.key === fourth.key)
    await toWild.publish(present)
    await eventually(
      'the present one is known',
      () => markOf(b, present.id),
      (mark) => mark !== undefined,
    )
    const before = await rowOf()

    await toWild.publish(old)
    await eventually(
      'the old one was looked at',
      () => markOf(b, old.id),
      (mark) => mark !== undefined,
    )

    expect(before).toMatchObject({ id: fourth.id, status: 'active', fresh: true, kor: ['sys.pluronymous.org'] })
    expect(await rowOf()).toEqual(before)
    expect((await statusOf(b)).peers.find((p) => p.key === fourth.key)).toMatchObject({ status: 'active', fresh: true })
  })

  it('that claims the Herm id of another changes nothing, and is shown to the operator', async () => {
    await isQuiet(b)
    const taken = takenBy(b)

    await refusedWith(b, 'id-conflict', () => toWild.publish(third.nodeInfo({ id: a.id })))

    const { conflicts, peers } = await statusOf(b)
    expect(conflicts.filter((c) => c.includes(a.id) && c.includes(third.key))).toHaveLength(1)
    expect(await ksp(b, 'status')).toMatch(new RegExp(`^CONFLICT: .*${a.id}`, 'm'))
    expect(peers.find((p) => p.id === a.id)?.key).toBe(a.key)
    expect(takenBy(b)).toEqual(taken)
    // The name still leads to its owner.
    const id = await send(b, { to: [a.id], key: 'after-the-claim' })
    expect(await waitDone(b, id)).toMatchObject({ reached: true })
    expect(await stateOf(b, id, a.key)).toBe('done')
    expect(query(a, 'SELECT origin FROM messages WHERE id = ?', Buffer.from(id, 'hex'))).toEqual([{ origin: 'peer' }])
  })

  it('can not settle or spoil with a receipt of its own what is between two others', async () => {
    const { id, event } = await sentToFourth('forged-by-a-third')

    for (const words of [
      { status: 'accepted', stage: 'done' },
      { status: 'accepted', stage: 'stored', ref: id },
      { status: 'rejected', code: 'forbidden-action', ref: id },
    ]) {
      const text = third.receipt({ event, audience: [a.key], ...words })
      await refusedWith(a, 'not-addressed', () => publish(third.sealed(text, a.key)))
      await refusedWith(a, 'not-addressed', () => publish(third.clear(text, a.key)))
    }
    // In the name of the true one, but by whoever carries it.
    const inItsName = third.receipt({ event, audience: [a.key], status: 'accepted', sender: fourth.key })
    await refusedWith(a, 'bad-signature', () => publish(third.sealed(inItsName, a.key)))
    // A true receipt, brought by another with its author's attestation.
    const brought = JSON.parse(fourth.receipt({ event, audience: [a.key], status: 'accepted' })) as JsonObject
    const attested = { ...brought, attestation: fourth.attest('receipt', brought.sha256 as string) }
    await refusedWith(a, 'untrusted-sender', () => publish(third.sealed(JSON.stringify(attested), a.key)))

    expect(await stateOf(a, id, fourth.key)).toBe('relay-ok')
  })
})

/** A message of a's that a relay has taken and its receiver has not answered yet, and the event it went in. */
const sentToFourth = async (key: string): Promise<{ id: string; event: string }> => {
  const id = await send(a, { to: [fourth.key], key })
  await eventually(
    'a relay has it',
    () => stateOf(a, id, fourth.key),
    (state) => state === 'relay-ok',
  )
  const [sent] = query<{ event: Buffer }>(
    a,
    'SELECT s.event FROM sent s JOIN messages m ON m.seq = s.message WHERE m.id = ?',
    Buffer.from(id, 'hex'),
  )
  return { id, event: sent!.event.toString('hex') }
}

describe('the receiver itself', () => {
  it('settles only what it names rightly: a receipt with another ref or for another audience moves nothing', async () => {
    const one = await sentToFourth('settled-rightly')
    const other = await sentToFourth('another-message')
    const receipt = (more: JsonObject): NostrEvent =>
      fourth.sealed(fourth.receipt({ event: one.event, audience: [a.key], status: 'accepted', ...more }), a.key)

    await refusedWith(a, 'not-addressed', () => publish(receipt({ ref: other.id })))
    await refusedWith(a, 'not-addressed', () => publish(receipt({ ref: one.id, audience: [b.key] })))
    await refusedWith(a, 'not-addressed', () => publish(receipt({ event: sha256Of('no event of ours') })))
    expect(await stateOf(a, one.id, fourth.key)).toBe('relay-ok')

    await publish(receipt({ ref: one.id, stage: 'done' }))
    expect(await waitDone(a, one.id)).toMatchObject({ reached: true, deliveries: [{ to: fourth.key, state: 'done' }] })
    expect(await stateOf(a, other.id, fourth.key)).toBe('relay-ok')
  })
})

describe('whoever repeats', () => {
  it('a known message in sixty new events gets forty receipts at most, twenty of them after its end, and one event again none', async () => {
    const message = third.txxm(b.key)
    const events = Array.from({ length: 61 }, () => third.sealed(message.envelope(), b.key))
    await toWild.publish(events[0]!)
    await heardAbout(thirdOfB, events[0]!, isDone)
    const known = (await statusOf(b)).counts.known ?? 0

    for (const event of events.slice(1)) await toWild.publish(event)
    await eventually(
      'all of them were looked at',
      async () => (await statusOf(b)).counts.known ?? 0,
      (count) => count === known + 60,
    )
    await bServes()

    const answered = thirdOfB.receipts().filter((r) => r.ref === message.id)
    expect(answered.length).toBeGreaterThan(1)
    expect(answered.length).toBeLessThanOrEqual(40)
    expect(await daemonHolds(b, message.id)).toBe(true)

    for (let copy = 0; copy < 20; copy++) await toWild.publish(events[0])
    await bServes()

    expect(thirdOfB.receipts().filter((r) => r.ref === message.id)).toHaveLength(answered.length)
    expect((await statusOf(b)).counts.known).toBe(known + 60)
  })

  it('an event that is refused for now is answered and counted once', async () => {
    const early = third.txxm(b.key, { valid_from: nowSec() + 7_200 })
    const event = third.sealed(early.envelope(), b.key)
    const before = await refusalsOf(b, 'not-yet-valid')

    for (let copy = 0; copy < 20; copy++) await toWild.publish(event)
    await bServes()

    expect(thirdOfB.about(event.id)).toMatchObject([{ status: 'rejected', code: 'not-yet-valid' }])
    expect(await refusalsOf(b, 'not-yet-valid')).toBe(before + 1)
  })
})

describe('a stranger', () => {
  it('is heard from the moment it is approved, what it had sent before included, and not once it is blocked', async () => {
    const ear = await listen(relay.url, later, b.key)
    const early = [later.txxm(b.key), later.txxm(b.key)] as const
    const [sealed, clear] = [later.sealed(early[0].envelope(), b.key), later.clear(early[1].envelope(), b.key)] as const
    await refusedWith(b, 'untrusted-sender', () => publish(sealed))
    await refusedWith(b, 'untrusted-sender', () => publish(clear))
    const carried = later.txxm(b.key)
    const byThird = third.sealed(carried.envelope(), b.key)
    await refusedWith(b, 'untrusted-sender', () => publish(byThird))
    expect([...early, carried].some((message) => holds(b, message.id))).toBe(false)

    await ksp(b, 'peers', 'approve', later.npub)

    for (const [i, event] of [sealed, clear].entries()) {
      const receipts = await heardAbout(ear, event, isDone)
      expect(receipts.at(-1)).toMatchObject({ status: 'accepted', ref: early[i]!.id, sealed: event === sealed })
      expect(await daemonHolds(b, early[i]!.id)).toBe(true)
    }
    const told = await heardAbout(thirdOfB, byThird, isDone)
    expect(told.map((r) => r.status)).toEqual(['rejected', ...told.slice(1).map(() => 'accepted')])
    expect(await daemonHolds(b, carried.id)).toBe(true)

    await ksp(b, 'peers', 'block', later.npub)
    const late = later.txxm(b.key)
    const event = later.sealed(late.envelope(), b.key)
    await isQuiet(b)
    const taken = takenBy(b)
    await refusedWith(b, 'untrusted-sender', () => publish(event))
    await bServes()

    expect(holds(b, late.id)).toBe(false)
    expect(ear.about(event.id)).toEqual([])
    expect(takenBy(b).messages).toBe(taken.messages + 1)
    await ear.close()
  })
})

describe('a relay', () => {
  it('that sends what was not asked for is not obeyed', async () => {
    const good = third.txxm(b.key)
    const unasked: readonly NostrEvent[] = [
      third.sign({ kind: 1, content: good.envelope(), tags: [['p', b.key]] }),
      // The kind of a private relay, on a public one.
      third.sign({
        kind: 30_000,
        content: good.envelope(),
        tags: [
          ['p', b.key],
          ['t', 'kapnet'],
          ['d', `txxm-${good.id}`],
        ],
      }),
      third.sign({ kind: 1_059, content: 'x', tags: [['p', b.key]] }),
      stranger.clear(stranger.txxm(a.key).envelope(), a.key),
      stranger.clear(stranger.txxm(undefined).envelope()),
      third.sign({ content: good.envelope(), tags: [['d', 'without-a-topic']] }),
    ]
    await isQuiet(b)
    const taken = takenBy(b)
    // What a trusted peer seals for another is asked for, since we read by author: passed over, and no refusal.
    const talk = third.sealed(third.txxm(a.key).envelope(), a.key)
    await toWild.publish(talk)

    for (const event of unasked) await refusedWith(b, 'not-addressed', () => toWild.publish(event))

    expect(takenBy(b)).toEqual(taken)
    expect(holds(b, good.id)).toBe(false)
    for (const event of [talk, ...unasked]) expect(markOf(b, event.id)).toBeUndefined()
    await bServes()
    expect(unasked.flatMap((event) => thirdOfB.about(event.id))).toEqual([])
  })

  it('that sends us our own events back has no effect', async () => {
    const id = await send(b, { to: [third.key], key: 'echoed' })
    const openly = await send(b, { to: [third.key], key: 'echoed-openly', public: true })
    const got = await eventually(
      'the third Herm has both',
      () => thirdOfB.messages().filter(({ text }) => text.includes(id) || text.includes(openly)),
      (messages) => messages.length >= 2,
    )
    const before = await daemonCount(b)
    await isQuiet(b)
    const taken = takenBy(b)

    for (const { event } of got) await toWild.publish(event)
    await bServes()

    expect(takenBy(b).messages).toBe(taken.messages + 1)
    expect(await daemonCount(b)).toBe(before + 1)
    const ours = query<{ origin: string; carrier: Buffer | null }>(
      b,
      'SELECT origin, carrier FROM messages WHERE author = ?',
      Buffer.from(b.key, 'hex'),
    )
    expect(ours.length).toBeGreaterThan(1)
    expect(new Set(ours.map(({ origin }) => origin))).toEqual(new Set(['cli']))
    expect(ours.every(({ carrier }) => carrier === null)).toBe(true)
    expect(await stateOf(b, id, third.key)).toBe('relay-ok')
    const text = third.receipt(...got.map(({ event }) => ({ event: event.id, status: 'accepted', audience: [b.key] })))
    await toWild.publish(third.sealed(text, b.key))
    expect(await waitDone(b, id)).toMatchObject({ reached: true })
    expect(await waitDone(b, openly)).toMatchObject({ reached: true })
  })

  it('with an event from the year 2096 keeps nothing else from us, also after a restart', async () => {
    const ahead = third.txxm(b.key)
    const event = third.sealed(ahead.envelope(), b.key, { created_at: FAR_FUTURE })
    await toFiltering.publish(event)
    await refusedWith(b, 'not-yet-valid', () => toFiltering.publish(fourth.nodeInfo({ status: 'offline' }, FAR_FUTURE)))
    await heardAbout(thirdOfB, event, isDone)

    await b.bridge.stop()
    const missed = third.txxm(b.key)
    await toFiltering.publish(third.sealed(missed.envelope(), b.key))
    const info = fourth.nodeInfo({ status: 'draining' })
    await toFiltering.publish(info)
    await b.bridge.start()

    await eventually(
      'what was sent meanwhile is there',
      () => holds(b, missed.id) && markOf(b, info.id) !== undefined,
      (there) => there,
    )
    expect((await statusOf(b)).peers.find((p) => p.key === fourth.key)?.status).toBe('draining')
    const live = third.txxm(b.key)
    await toFiltering.publish(third.sealed(live.envelope(), b.key))
    await eventually(
      'what is sent now is there too',
      () => daemonHolds(b, live.id),
      (there) => there,
    )
    expect(await daemonHolds(b, missed.id)).toBe(true)
  })
})
