import { describe, expect, it } from 'vitest'
import { canonical } from '../../../src/core/canonical.js'
import type { Scope } from '../../../src/core/decision.js'
import {
  decideOutbound,
  prepareMade,
  prepareNew,
  type NewOrder,
  type OutboundContext,
  type Prepared,
} from '../../../src/core/outbound.js'
import { makeRoster, type RosterInput } from '../../../src/core/peers.js'
import type { Result } from '../../../src/core/refusal.js'
import type { HermId, JsonObject, KorName, MessageId, UnixMs, UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { ALICE, BOB, event, hex, key, ME, nodeInfo, START, WITH_ALICE, WITH_BOB } from '../store/build.js'

const DAY_MS = 86_400_000
const CAROL = key('carol')

const contextOf = (
  over: Partial<OutboundContext> & { readonly roster?: never; readonly input?: Partial<RosterInput> } = {},
): OutboundContext => ({
  now: START,
  roster: makeRoster({
    me: ME,
    myId: 'herm-me' as HermId,
    mode: 'allowlist',
    rules: [
      { key: ALICE, id: 'herm-alice' as HermId, kor: ['room.kor' as KorName] },
      { key: BOB, id: 'herm-bob' as HermId },
    ],
    grants: [],
    pins: [],
    infos: [
      {
        key: ALICE,
        info: { ...nodeInfo('herm-alice'), limits: { max_envelope_bytes: 4_000 } },
        createdAt: 1 as never,
        event: event('x'),
        seenAt: START,
      },
    ],
    ...over.input,
  }),
  korNamespaces: ['my.kor' as KorName],
  ports: ['kapnetd'],
  maxEnvelopeBytes: 16_384,
  maxSealedBytes: 8_192,
  outboxMaxAgeMs: 7 * DAY_MS,
  nonce: '7',
  tips: () => [],
  ...over,
})
const order = (over: Partial<NewOrder> = {}): NewOrder => ({
  kind: 'new',
  to: [ALICE],
  type: 'signal',
  action: 'room.post',
  payload: { text: 'hello' },
  public: false,
  deniable: false,
  ...over,
})
const prepare = (over: Partial<NewOrder> = {}, ctx = contextOf()): Result<Prepared> =>
  prepareNew(order(over), ctx, nodeHashes)
const made = (r: Result<Prepared>): Prepared => {
  if (!r.ok) throw new Error(`${r.refusal.code}: ${r.refusal.message}`)
  return r.value
}
const codeOf = (r: Result<Prepared>): string => (r.ok ? 'ok' : r.refusal.code)

describe('a new message', () => {
  it('is complete: sender, nonce, audience, time, and its id is the hash of its canonical text', () => {
    const p = made(prepare())
    expect(p.body).toMatchObject({
      sender: ME,
      nonce: '7',
      audience: [ALICE],
      created_at: START / 1000,
      target_kor: 'herm-alice.room.kor',
      source_kor: 'herm-me.my.kor',
    })
    expect(p.id).toBe(nodeHashes.sha256Hex(p.bodyText))
    expect(p.bodyText).toBe(canonical(p.body as unknown as JsonObject))
    expect(p).toMatchObject({ destinations: [ALICE], scopes: [WITH_ALICE], confidential: true })
  })

  it('goes by Herm id as by key, once to each, whatever the order in which they are named', () => {
    const one = made(prepare({ to: ['herm-bob' as HermId, ALICE, BOB] }))
    const two = made(prepare({ to: [ALICE, 'herm-bob' as HermId] }))
    expect([...one.destinations].sort()).toEqual([ALICE, BOB].sort())
    expect(one.id).toBe(two.id)
  })

  it('to several is in the scope of each, and names only parents that all of them may see', () => {
    const asked: Scope[] = []
    const tips = (scope: Scope): MessageId[] => {
      asked.push(scope)
      return Array.from({ length: 12 }, (_, i) => hex<MessageId>(`${scope} ${i}`))
    }
    const three = made(prepare({ to: [ALICE, BOB] }, contextOf({ tips })))
    expect([...three.scopes].sort()).toEqual([WITH_ALICE, WITH_BOB].sort())
    expect(asked).toEqual(['gossip'])
    expect(three.body.dependencies?.map((d) => d.hash)).toEqual(tips('gossip').slice(0, 8))

    asked.length = 0
    const pair = made(prepare({ to: [BOB] }, contextOf({ tips })))
    expect(asked).toEqual([WITH_BOB])
    expect(pair.body.dependencies).toHaveLength(8)
  })

  it.each<[string, Partial<NewOrder>, string]>([
    ['to nobody', { to: [] }, 'bad-schema'],
    ['to an id that nobody has', { to: ['herm-x' as HermId] }, 'not-addressed'],
    ['to this Herm itself', { to: [ME] }, 'not-addressed'],
    ['to this Herm by its id', { to: ['herm-me' as HermId] }, 'not-addressed'],
    ['to a key that is not trusted', { to: [CAROL] }, 'untrusted-sender'],
    ['to what is no KOR name', { to: [], kor: 'no name' }, 'bad-schema'],
    ['to a name that nobody serves', { to: [], kor: 'other.kor' }, 'not-addressed'],
    ['with an action that is none', { action: 'no action' }, 'bad-schema'],
    ['with a type that is none', { type: 'NO' }, 'bad-schema'],
    ['with a lone surrogate', { payload: { text: '\ud800' } }, 'bad-json'],
    ['that is larger than an encrypted road takes', { to: [BOB], payload: { text: 'x'.repeat(8_000) } }, 'too-large'],
    [
      'that is larger than an envelope may be',
      { to: [BOB], public: true, payload: { text: 'x'.repeat(17_000) } },
      'too-large',
    ],
    ['that is larger than its receiver takes', { payload: { text: 'x'.repeat(4_000) } }, 'too-large'],
  ])('%s is refused', (_, over, code) => {
    expect(codeOf(prepare(over))).toBe(code)
  })

  it('to more than an audience holds is refused', () => {
    const keys = Array.from({ length: 33 }, (_, i) => key(`k${i}`))
    const ctx = contextOf({ input: { rules: keys.map((k) => ({ key: k })) } })
    expect(codeOf(prepare({ to: keys }, ctx))).toBe('too-large')
    expect(codeOf(prepare({ to: keys.slice(1) }, ctx))).toBe('ok')
  })

  it('that nests without end is refused, and does not end the process', () => {
    let payload: JsonObject = {}
    for (let i = 0; i < 200_000; i++) payload = { a: payload }
    expect(codeOf(prepare({ payload }))).toBe('bad-json')
    let fits: JsonObject = {}
    for (let i = 0; i < 60; i++) fits = { a: fits }
    expect(codeOf(prepare({ payload: fits }))).toBe('ok')
  })

  it('by name goes sealed to all who serve it best, and in the clear to everyone who reads us', () => {
    expect(made(prepare({ to: [], kor: 'Deep.Room.KOR' }))).toMatchObject({
      destinations: [ALICE],
      confidential: true,
      body: { target_kor: 'deep.room.kor' },
    })
    expect(made(prepare({ to: [], kor: 'any.kor', public: true }))).toMatchObject({
      destinations: ['gossip'],
      scopes: ['gossip'],
      confidential: false,
    })
    expect(made(prepare({ to: [], kor: 'any.kor', public: true })).body.audience).toBeUndefined()
  })

  it('to a peer that nothing is known of names that peer’s id, or us', () => {
    expect(made(prepare({ to: [BOB] })).body.target_kor).toBe('herm-bob.my.kor')
    const bare = contextOf({ korNamespaces: [], input: { rules: [{ key: BOB }], infos: [] } })
    expect(made(prepare({ to: [BOB] }, bare)).body.target_kor).toBe('herm-me')
    expect(made(prepare({ to: [BOB] }, bare)).body.source_kor).toBe('herm-me')
  })
})

describe('a message that the daemon made', () => {
  const body = (over: JsonObject = {}): JsonObject => ({
    type: 'signal',
    action: 'a',
    target_kor: 'room.kor',
    source_kor: 'agent.my.kor',
    payload: {},
    ...over,
  })
  const take = (b: JsonObject, ctx = contextOf(), id?: string): Result<Prepared> =>
    prepareMade({ kind: 'made', body: b, id: (id ?? nodeHashes.sha256Hex(canonical(b))) as MessageId }, ctx, nodeHashes)

  it('keeps its body as it is, and is confidential', () => {
    const p = made(take(body({ extra: [1, 2] })))
    expect(p.bodyText).toBe(canonical(body({ extra: [1, 2] })))
    expect(p).toMatchObject({ destinations: [ALICE], confidential: true, origin: 'kapnetd' })
  })

  it('waits under its name where nobody serves it yet', () => {
    expect(made(take(body({ target_kor: 'Other.kor' })))).toMatchObject({ destinations: ['kor:other.kor'], scopes: [] })
  })

  it('goes to its audience, without us', () => {
    expect(made(take(body({ audience: [ME, BOB] }))).destinations).toEqual([BOB])
    expect(made(take(body({ audience: [ME] }))).destinations).toEqual([])
  })

  it.each([
    ['with another id than its hash', body(), '0'.repeat(64), 'bad-hash'],
    ['of another sender', body({ sender: ALICE, nonce: '1' }), undefined, 'bad-signature'],
    ['that does not fit its schema', body({ action: 5 }), undefined, 'bad-schema'],
  ])('%s is refused', (_, b, id, code) => {
    expect(codeOf(take(b, contextOf(), id))).toBe(code)
  })
})

describe('what is decided about a prepared message', () => {
  const fresh = { order: undefined, message: false }
  const prepared = made(prepare({ to: [ALICE, BOB] }))

  it('owes it to each receiver and to the local daemon, which holds what we send', () => {
    const d = decideOutbound(prepared, 'cli:1', undefined, fresh, contextOf())
    expect(d.owes?.map((o) => o.to).sort()).toEqual([ALICE, BOB, 'port:kapnetd'].sort())
    expect(d).toMatchObject({ message: prepared.id, fresh: true, orderKey: { key: 'cli:1', message: prepared.id } })
    const made = { ...prepared, origin: 'kapnetd' as const }
    expect(decideOutbound(made, 'k', undefined, fresh, contextOf()).owes?.map((o) => o.to)).not.toContain(
      'port:kapnetd',
    )
  })

  it('gives it the time that it is valid, the outbox’s at most, and the local daemon all time there is', () => {
    const until = (sec?: number): (number | undefined)[] => {
      const p = {
        ...prepared,
        body: { ...prepared.body, ...(sec === undefined ? {} : { valid_until: sec as UnixSec }) },
      }
      return decideOutbound(p, 'k', undefined, fresh, contextOf()).owes?.map((o) => o.expiresAt) ?? []
    }
    const week = (START + 7 * DAY_MS) as UnixMs
    expect(until()).toEqual([week, week, Number.MAX_SAFE_INTEGER])
    expect(until(START / 1000 + 60)[0]).toBe(START + 60_000)
    expect(until(START / 1000 + 86_400 * 30)[0]).toBe(week)
  })

  it('is nothing where the order is known, and only its key where the message is', () => {
    const first = hex<MessageId>('first')
    expect(decideOutbound(prepared, 'k', undefined, { order: first, message: false }, contextOf())).toEqual({
      message: first,
      fresh: false,
    })
    expect(decideOutbound(prepared, 'k', undefined, { order: undefined, message: true }, contextOf())).toEqual({
      message: prepared.id,
      fresh: false,
      orderKey: { key: 'k', message: prepared.id },
    })
  })

  it('carries no attestation where the order was deniable', () => {
    expect(decideOutbound(prepared, 'k', undefined, fresh, contextOf()).strand).not.toHaveProperty('attestation')
  })
})
