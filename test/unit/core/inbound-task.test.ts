import { describe, expect, it, onTestFinished } from 'vitest'
import { canonical } from '../../../src/core/canonical.js'
import type { Decision } from '../../../src/core/decision.js'
import type { Task, TaskResult } from '../../../src/core/envelope-types.js'
import type { Carried } from '../../../src/core/inbound.js'
import { refused } from '../../../src/core/inbound-answers.js'
import { decideResult, decideTask } from '../../../src/core/inbound-task.js'
import type { RefusalCode } from '../../../src/core/refusal.js'
import type { JsonValue, MessageId, Pubkey, RelayUrl } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { makeReceiver, type Receiver, type ReceiverSettings } from '../../support/receiver.js'
import { ALICE, BOB, event, key, ME, START } from '../store/build.js'

const STRANGER = key('stranger')
const NOW_SEC = START / 1000

const carriedBy = (carrier: Pubkey, n: number, toUs = true): Carried => ({
  event: { id: event(`carrying ${n}`), pubkey: carrier } as Carried['event'],
  carrier,
  road: 'nip44',
  confidential: true,
  toUs,
  text: '',
  relay: 'ws://127.0.0.1:1' as RelayUrl,
})
interface Bench {
  readonly r: Receiver
  task(over?: Partial<Task>, by?: Pubkey): Promise<Decision>
}
const bench = async (settings: Partial<ReceiverSettings> = {}): Promise<Bench> => {
  const r = await makeReceiver(NOW_SEC, {
    me: ME,
    rules: [{ key: ALICE }, { key: BOB, agents: ['ezra'] }],
    agents: ['ezra', 'mira'],
    ...settings,
  })
  onTestFinished(() => r.close())
  let n = 0
  return {
    r,
    task: (over = {}, by = ALICE) => {
      const body: Task = {
        task_id: 't1',
        from: 'nia',
        to: 'ezra',
        payload: {},
        sender: by,
        nonce: '1',
        audience: [ME],
        ...over,
      }
      const bodyText = canonical(JSON.parse(JSON.stringify(body)) as JsonValue)
      const envelope = { type: 'task-envelope', body, bodyText, sha256: nodeHashes.sha256Hex(bodyText) } as const
      return r.store.commit((view) => decideTask(carriedBy(by, n++), envelope, by, view, r.context()))
    },
  }
}
const codeOf = async (decision: Promise<Decision>): Promise<string | undefined> => (await decision).refusal?.code

describe('a task', () => {
  it('is taken for an agent of ours, and its sender is told that it is held', async () => {
    const b = await bench()
    const decision = await b.task()
    expect(decision).toMatchObject({ fresh: true, row: { kind: 'task', taskId: 't1', author: ALICE, origin: 'peer' } })
    expect(b.r.store.load(decision.message!)?.kind).toBe('task')
    expect(b.r.store.receiptsDue(ALICE, START, 10)).toMatchObject([{ status: 'accepted', stage: 'stored' }])
  })

  it.each<[string, Partial<Task>, Pubkey, RefusalCode]>([
    ['of a stranger', {}, STRANGER, 'untrusted-sender'],
    ['of our own', {}, ME, 'not-addressed'],
    ['for somebody else', { audience: [BOB] }, ALICE, 'not-addressed'],
    ['for nobody', { audience: undefined as never }, ALICE, 'not-addressed'],
    ['for an agent that is not here', { to: 'nobody' }, ALICE, 'no-such-agent'],
    ['for an agent that its author was not granted', { to: 'mira' }, BOB, 'no-such-agent'],
    ['that is too late', { deadline: (NOW_SEC - 301) as never }, ALICE, 'expired'],
  ])('%s is refused', async (_, over, by, code) => {
    const b = await bench()
    expect(await codeOf(b.task(over, by))).toBe(code)
    expect(b.r.store.receiptsOwedTo()).toEqual(by === STRANGER || by === ME ? [] : [by])
  })

  it('for whoever is free needs an agent that its author was granted', async () => {
    expect(await codeOf((await bench()).task({ to: 'dispatch' }, BOB))).toBeUndefined()
    expect(await codeOf((await bench({ agents: ['mira'] })).task({ to: 'dispatch' }, BOB))).toBe('no-such-agent')
    expect(await codeOf((await bench({ agents: [] })).task({ to: 'dispatch' }))).toBe('no-such-agent')
  })

  it('has five minutes’ grace', async () => {
    expect(await codeOf((await bench()).task({ deadline: (NOW_SEC - 300) as never }))).toBeUndefined()
  })

  it('is one by its sender and its id: the same again is known, another body is a conflict', async () => {
    const b = await bench()
    await b.task()
    expect(await b.task()).toMatchObject({ fresh: false, receipts: [{ status: 'duplicate' }] })
    expect(await codeOf(b.task({ payload: { other: true } }))).toBe('conflict')
    expect(await codeOf(b.task({ payload: { other: true } }, BOB))).toBeUndefined()
  })
})

describe('a result', () => {
  it('is taken for no task, for we give out none', async () => {
    const { r } = await bench()
    const body = { task_id: 't9' } as TaskResult
    const envelope = { type: 'task-result', body, bodyText: '{}', sha256: event('x') as string } as const
    const by = (author: Pubkey): Decision => decideResult(carriedBy(author, 1), envelope, author, r.context())
    expect(by(ALICE).refusal).toMatchObject({ code: 'not-addressed', message: 'no task t9 of ours is open' })
    expect(by(STRANGER).refusal?.code).toBe('untrusted-sender')
  })
})

describe('a refusal', () => {
  const say = async (code: RefusalCode, by = ALICE, toUs = true): Promise<Decision> => {
    const { r } = await bench()
    return refused(carriedBy(by, 1, toUs), { code, message: 'why' }, 'm' as MessageId, r.context())
  }

  it('is remembered for ever, for this configuration, or not at all', async () => {
    expect((await say('bad-hash')).marks).toEqual([{ id: event('carrying 1'), code: 'bad-hash' }])
    expect((await say('forbidden-kor')).marks).toEqual([
      { id: event('carrying 1'), code: 'forbidden-kor', generation: 1 },
    ])
    expect((await say('not-yet-valid')).marks).toBeUndefined()
  })

  it('is told to a trusted carrier of what was sent to us, and to nobody else', async () => {
    expect((await say('expired')).receipts).toMatchObject([{ to: ALICE, status: 'expired', code: 'expired' }])
    expect((await say('bad-json')).receipts).toMatchObject([{ status: 'rejected', confidential: true, message: 'why' }])
    expect((await say('bad-json', STRANGER)).receipts).toBeUndefined()
    expect((await say('bad-json', ALICE, false)).receipts).toBeUndefined()
  })
})
