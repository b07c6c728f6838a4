import { describe, expect, it } from 'vitest'
import { Fault } from '../../../src/core/fault.js'
import { makeRoster } from '../../../src/core/peers.js'
import type { HermId, JsonObject, KorName, MessageId } from '../../../src/core/types.js'
import { pairScope } from '../../../src/core/decision.js'
import { openEngine } from '../../../src/crypto/engine.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { canonical } from '../../../src/core/canonical.js'
import { createOutbound } from '../../../src/pipeline/intake-outbound.js'
import { createTally, type Tally } from '../../../src/pipeline/tally.js'
import type { Accepted, BraidReader, Intake, Order, Signer, Store } from '../../../src/ports.js'
import { manualClock } from '../../support/manual-clock.js'
import { partyOf } from '../../support/transport-bench.js'
import { findings, key, open } from '../store/build.js'
import { fixedRandom } from './build.js'

const engine = await openEngine()
const me = partyOf(engine, 'alpha')
const [ALICE, BOB, CAROL] = [key('alice'), key('bob'), key('carol')]

interface Bench {
  readonly store: Store & BraidReader
  readonly accept: Intake<Order, Accepted>
  readonly tally: Tally
}
const bench = (over: { signer?: Partial<Signer>; commit?: (store: Store) => Store['commit'] } = {}): Bench => {
  const clock = manualClock()
  const store = open(undefined, clock)
  const tally = createTally()
  const accept = createOutbound({
    store: { view: store.view, commit: over.commit?.(store) ?? store.commit },
    signer: { ...me, ...over.signer },
    hashes: nodeHashes,
    clock,
    random: fixedRandom(),
    tally,
    afterCommit: (d) => {
      if (d.refusal !== undefined) tally.refused(d.refusal.code)
    },
    context: () => ({
      now: clock.now(),
      roster: makeRoster({
        me: me.key,
        myId: 'herm-me' as HermId,
        mode: 'allowlist',
        rules: [ALICE, BOB, CAROL].map((k) => ({ key: k })),
        grants: [],
        pins: [],
        infos: [],
      }),
      korNamespaces: ['my.kor' as KorName],
      ports: ['kapnetd'],
      maxEnvelopeBytes: 65_536,
      maxSealedBytes: 60_000,
      outboxMaxAgeMs: 604_800_000,
    }),
  })
  return { store, accept, tally }
}
const order = (k: string, over: Partial<Extract<Order, { kind: 'new' }>> = {}): Order => ({
  kind: 'new',
  origin: 'cli',
  key: k,
  to: [BOB],
  type: 'signal',
  action: 'room.post',
  payload: { k },
  public: false,
  deniable: false,
  ...over,
})
const madeOrder = (n: number, over: JsonObject = {}): Order => {
  const body = {
    type: 'signal',
    action: 'a',
    target_kor: 'x.kor',
    source_kor: 'y.kor',
    payload: { n },
    audience: [BOB],
    ...over,
  }
  const id = nodeHashes.sha256Hex(canonical(body)) as MessageId
  return { kind: 'made', origin: 'kapnetd', key: `kapnetd:${id}`, id, body }
}
const parentsOf = (b: Bench, id: MessageId): string[] =>
  (JSON.parse(b.store.load(id)!.body) as { dependencies?: { hash: string }[] }).dependencies?.map((d) => d.hash) ?? []
const WITH_BOB = pairScope(me.key, BOB)
const idsOf = (answers: Awaited<ReturnType<Bench['accept']>>): (MessageId | string)[] =>
  answers.map((a) => (a.ok ? a.value.id : a.refusal.code))
const verify = (proof: Parameters<typeof engine.verify>[0]): boolean => engine.verify(proof)

describe('orders', () => {
  it('are durable, attested and owed when they are answered, in their order', async () => {
    const b = bench()
    const answers = await b.accept([order('1'), order('2', { to: [ALICE, BOB] })])
    const [one, two] = idsOf(answers) as MessageId[]
    expect(answers.map((a) => a.ok && a.value.fresh)).toEqual([true, true])
    expect(
      b.store
        .deliveriesOf(one!)
        .map((d) => d.to)
        .sort(),
    ).toEqual([BOB, 'port:kapnetd'].sort())
    expect(
      b.store
        .deliveriesOf(two!)
        .map((d) => d.to)
        .sort(),
    ).toEqual([ALICE, BOB, 'port:kapnetd'].sort())
    expect(b.store.load(one!)?.attestation?.pubkey).toBe(me.key)
    expect(findings(b.store, verify as never)).toEqual([])
  })

  it('that are known are answered with the first id and made once', async () => {
    const b = bench()
    const [first] = idsOf(await b.accept([order('1')]))
    const again = await b.accept([order('1', { payload: { other: true } })])
    expect(again).toEqual([{ ok: true, value: { id: first, fresh: false } }])
    expect(b.store.counts().strands).toBe(1)
  })

  it('that are given twice in one call are made once, and name nothing that was never written', async () => {
    const b = bench()
    const answers = await b.accept([order('1'), order('1', { payload: { other: true } }), order('2')])
    const [one, twin, two] = idsOf(answers)
    expect(twin).toBe(one)
    expect(answers[1]).toMatchObject({ value: { fresh: false } })
    expect(parentsOf(b, two as MessageId)).toEqual([one])
    expect(b.store.counts().strands).toBe(2)
    expect(b.store.missingParents(10)).toEqual([])
  })

  it('name each other, so that a batch is one line of the braid', async () => {
    const b = bench()
    const ids = idsOf(await b.accept(Array.from({ length: 20 }, (_, i) => order(`${i}`)))) as MessageId[]
    for (const [i, id] of ids.entries()) expect(parentsOf(b, id)).toEqual(i === 0 ? [] : [ids[i - 1]])
    expect(b.store.view.tips(WITH_BOB, 10)).toEqual([ids.at(-1)])
  })

  it('of several calls at once are taken one call after the other', async () => {
    const b = bench()
    const calls = await Promise.all([b.accept([order('1')]), b.accept([order('2')]), b.accept([order('3')])])
    const ids = calls.flatMap(idsOf) as MessageId[]
    expect(parentsOf(b, ids[2]!)).toEqual([ids[1]])
    expect(parentsOf(b, ids[1]!)).toEqual([ids[0]])
  })

  it('to several don’t give away what only one of them may see', async () => {
    const b = bench()
    const [pair] = idsOf(await b.accept([order('1', { to: [ALICE] })])) as MessageId[]
    const [all] = idsOf(await b.accept([order('2', { to: [ALICE, BOB, CAROL] })])) as MessageId[]
    expect(parentsOf(b, all!)).toEqual([])
    expect(b.store.view.tips(pairScope(me.key, ALICE), 10).sort()).toEqual([pair!, all!].sort())
    const [next] = idsOf(await b.accept([order('3', { to: [ALICE] })])) as MessageId[]
    expect(parentsOf(b, next!).sort()).toEqual([pair!, all!].sort())
  })

  it('of the daemon, whose bodies name nothing, leave the tips to the next of ours', async () => {
    const b = bench()
    const [first] = idsOf(await b.accept([order('1')]))
    const answers = await b.accept([madeOrder(1), order('2')])
    const [made, two] = idsOf(answers) as MessageId[]
    expect(parentsOf(b, two!).sort()).toEqual([first!, made!].sort())
    expect(b.store.view.tips(WITH_BOB, 10)).toEqual([two])
  })

  it('that are refused hold up no other of their call', async () => {
    const b = bench()
    const answers = idsOf(
      await b.accept([order('1', { to: [key('stranger')] }), order('2'), order('3', { action: '?' })]),
    )
    expect([answers[0], answers[2]]).toEqual(['untrusted-sender', 'bad-schema'])
    expect(b.store.counts().strands).toBe(1)
    expect(b.tally.read().refusals['untrusted-sender']).toBe(1)
  })

  it('that are deniable carry no proof of their author', async () => {
    let asked = 0
    const b = bench({
      signer: {
        signEvent: (t) => {
          asked++
          return me.signEvent(t)
        },
      },
    })
    const [id] = idsOf(await b.accept([order('1', { deniable: true, to: [ALICE, BOB] })])) as MessageId[]
    expect(b.store.load(id!)).not.toHaveProperty('attestation')
    expect(asked).toBe(0)
  })

  it('name nothing that the signer could not sign', async () => {
    let left = 1
    const b = bench({
      signer: { signEvent: (t) => (left-- > 0 ? me.signEvent(t) : Promise.reject(new Fault('signer', 'away'))) },
    })
    const failed = idsOf(await b.accept([order('1'), order('2'), order('3')]))
    expect(failed.slice(1)).toEqual(['local-unavailable', 'local-unavailable'])
    expect(b.store.missingParents(10)).toEqual([])

    left = 10
    const ids = idsOf(await b.accept([order('1'), order('2'), order('3')])) as MessageId[]
    expect(ids[0]).toBe(failed[0])
    expect(b.store.counts().strands).toBe(3)
    expect(b.store.missingParents(10)).toEqual([])
  })

  it('that name one that only the signer kept back are kept back with it', async () => {
    let call = 0
    const b = bench({
      signer: { signEvent: (t) => (call++ === 1 ? Promise.reject(new Fault('signer', 'away')) : me.signEvent(t)) },
    })
    const answers = idsOf(await b.accept([order('1'), order('2'), order('3'), order('4', { to: [ALICE] })]))
    expect(answers.slice(1, 3)).toEqual(['local-unavailable', 'local-unavailable'])
    expect(b.store.counts().strands).toBe(2)
    expect(b.store.missingParents(10)).toEqual([])
  })

  it('are answered as unavailable while the disk fails, and taken when it is back', async () => {
    let full = true
    const b = bench({
      commit: (store) => (decide) => (full ? Promise.reject(new Fault('store', 'disk full')) : store.commit(decide)),
    })
    expect(idsOf(await b.accept([order('1'), order('2')]))).toEqual(['local-unavailable', 'local-unavailable'])
    expect(b.store.counts().strands).toBe(0)

    full = false
    const ids = idsOf(await b.accept([order('1'), order('2')])) as MessageId[]
    expect(parentsOf(b, ids[1]!)).toEqual([ids[0]])
  })

  it('go on after a bug in one call', async () => {
    let broken = true
    const b = bench({
      signer: { signEvent: (t) => (broken ? Promise.reject(new TypeError('a bug')) : me.signEvent(t)) },
    })
    await expect(b.accept([order('1')])).rejects.toThrow('a bug')
    broken = false
    expect((await b.accept([order('1')]))[0]?.ok).toBe(true)
  })
})
