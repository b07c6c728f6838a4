import { readFileSync } from 'node:fs'
import { finalizeEvent } from 'nostr-tools/pure'
import { expect, test } from 'vitest'
import type { NewStrand } from '../../../src/core/decision.js'
import type { PeerRule } from '../../../src/core/peers.js'
import type { HermId, MessageId, NostrEvent, Pubkey, UnixMs } from '../../../src/core/types.js'
import { makeReceiver, type Receiver } from '../../support/receiver.js'
import { eventVectors, type EventVector } from '../../support/vectors.js'

const plainRoads = (v: EventVector): boolean => v.stage === 'receiver' && v.road !== 'dm'

const knownStrand = (id: MessageId, author: Pubkey): NewStrand => ({
  id,
  author,
  type: 'submission',
  action: 'room.post',
  targetKor: 'room.kor',
  sourceKor: 'herm-qubes-alpha',
  createdAt: 0,
  body: '{}',
  confidential: false,
  origin: 'peer',
  parents: [],
  scopes: [],
})

const receiverFor = async (v: EventVector): Promise<Receiver> => {
  const c = v.context
  if (c === undefined) throw new Error(`${v.name} states no context`)
  const ids = new Map((c.pins ?? []).map((p) => [p.key, p.id]))
  const rules = c.trusted.map((t): PeerRule => ({
    key: t.key as Pubkey,
    ...((t.id ?? ids.get(t.key)) === undefined ? {} : { id: (t.id ?? ids.get(t.key)) as HermId }),
    ...(t.kor === undefined ? {} : { kor: t.kor as never }),
    ...(t.actions === undefined ? {} : { actions: t.actions }),
  }))
  const receiver = await makeReceiver(c.now, {
    me: c.me,
    myId: c.myHermId,
    kors: c.myKors,
    rules,
    agents: c.agents ?? [],
    ...(c.maxEnvelopeBytes === undefined ? {} : { maxEnvelopeBytes: c.maxEnvelopeBytes }),
  })
  for (const pin of c.pins ?? []) {
    await receiver.store.commit(() => ({ pin: { id: pin.id as HermId, key: pin.key as Pubkey } }))
  }
  for (const task of c.tasks ?? []) {
    await receiver.store.commit(() => ({
      row: {
        id: task.sha256 as MessageId,
        kind: 'task',
        author: task.sender as Pubkey,
        taskId: task.task_id,
        body: '{}',
        confidential: true,
        origin: 'peer',
      },
    }))
  }
  return receiver
}

for (const v of eventVectors('valid').filter(plainRoads)) {
  test(`a receiver takes ${v.name}: ${v.why}`, async () => {
    const receiver = await receiverFor(v)
    const decision = await receiver.receive(v.event, v.text)
    expect(decision.refusal).toBeUndefined()
    if (v.expect?.type === 'txxm-envelope') {
      expect(decision.strand?.id).toBe(v.expect.sha256)
      expect(decision.strand?.author).toBe(v.expect.author)
      expect(receiver.store.load(v.expect.sha256 as MessageId)).toBeDefined()
      if (v.expect.due !== undefined) expect(decision.owes?.[0]?.dueAt).toBe(v.expect.due * 1000)
    } else {
      expect(decision.peer?.key).toBe(v.event.pubkey)
    }
    await receiver.close()
  })
}

for (const v of eventVectors('invalid').filter(plainRoads)) {
  test(`a receiver answers ${v.code ?? ''} to ${v.name}: ${v.why}`, async () => {
    const receiver = await receiverFor(v)
    if (v.code === 'duplicate') {
      for (const id of v.context?.known ?? []) {
        const author = v.context?.trusted[0]?.key as Pubkey
        await receiver.store.commit(() => ({ strand: knownStrand(id as MessageId, author) }))
      }
      const decision = await receiver.receive(v.event, v.text)
      expect(decision).toMatchObject({ fresh: false, receipts: [{ status: 'duplicate', event: v.event.id }] })
      expect(decision.strand).toBeUndefined()
      await receiver.close()
      return
    }
    const decision = await receiver.receive(v.event, v.text)
    expect(decision.refusal?.code).toBe(v.code)
    expect(receiver.store.counts().strands).toBe(0)
    expect(receiver.store.due('port:kapnetd', Number.MAX_SAFE_INTEGER as UnixMs, 10)).toEqual([])
    await receiver.close()
  })
}

interface Reference {
  readonly now: number
  readonly keys: Record<string, { pk: string; sk: string }>
  readonly txxm: { id: string; event: NostrEvent }
  readonly txxm_gossip: { id: string; event: NostrEvent }
  readonly nip44: { event: NostrEvent }
  readonly receipt_stored: { event: NostrEvent }
  readonly node_info: { event: NostrEvent }
  readonly also_accepted: { what: string; id?: string; event: NostrEvent }[]
  readonly invalid: { code: string; why: string; event: NostrEvent }[]
}
const reference = JSON.parse(
  readFileSync(new URL('../../../kinds/vectors/reference.json', import.meta.url), 'utf8'),
) as Reference
const alpha = reference.keys.alpha?.pk as Pubkey
const beta = reference.keys.beta?.pk as Pubkey
const betaTrustingAlpha = (): Promise<Receiver> => makeReceiver(reference.now, { me: beta, rules: [{ key: alpha }] })

test('the reference messages are taken, whole, with their ids', async () => {
  const receiver = await betaTrustingAlpha()
  const addressed = await receiver.receive(reference.txxm.event)
  const gossip = await receiver.receive(reference.txxm_gossip.event)
  const sealed = await receiver.receive(reference.nip44.event, reference.txxm.event.content)
  expect(addressed.strand?.id).toBe(reference.txxm.id)
  expect(gossip.strand?.id).toBe(reference.txxm_gossip.id)
  expect(gossip.strand?.scopes).toEqual(['gossip'])
  // The same message sealed: a new event with a known message.
  expect(sealed).toMatchObject({
    fresh: false,
    receipts: [{ status: 'duplicate', stage: 'stored', confidential: true }],
  })
  await receiver.close()
})

for (const row of reference.also_accepted) {
  test(`an older form is taken: ${row.what}`, async () => {
    const receiver = await betaTrustingAlpha()
    const decision = await receiver.receive(row.event)
    expect(decision.refusal).toBeUndefined()
    expect(decision.strand?.id ?? decision.peer?.info.id).toBe(row.id ?? 'herm-qubes-alpha')
    await receiver.close()
  })
}

for (const row of reference.invalid) {
  test(`the reference answer to "${row.why}" is ${row.code}`, async () => {
    const receiver = await makeReceiver(reference.now, { me: beta, rules: [{ key: alpha }, { key: beta }] })
    const decision = await receiver.receive(row.event)
    expect(decision.refusal?.code).toBe(row.code)
    expect(receiver.store.counts().strands).toBe(0)
    await receiver.close()
  })
}

test('the reference receipt settles only the delivery whose event it names', async () => {
  const me = alpha
  const receiver = await makeReceiver(reference.now, {
    me,
    myId: 'herm-qubes-alpha',
    rules: [{ key: beta }],
    ports: [],
  })
  const before = await receiver.receive(reference.receipt_stored.event)
  expect(before.refusal?.code).toBe('not-addressed')
  receiver.configure({ inFlight: () => ({ message: reference.txxm.id as MessageId, to: beta }) })
  const other = { ...reference.receipt_stored.event, sig: reference.receipt_stored.event.sig }
  expect(await receiver.receive(other)).toEqual({})
  await receiver.close()

  const fresh = await makeReceiver(reference.now, {
    me,
    myId: 'herm-qubes-alpha',
    rules: [{ key: beta }],
    ports: [],
    inFlight: () => ({ message: reference.txxm.id as MessageId, to: beta }),
  })
  const settled = await fresh.receive(reference.receipt_stored.event)
  expect(settled.moves).toMatchObject([{ message: reference.txxm.id, to: beta, state: 'peer-stored' }])
  await fresh.close()
})

test('a node-info is kept, and an older one that is replayed after it changes nothing', async () => {
  const receiver = await betaTrustingAlpha()
  const { event } = reference.node_info
  const secret = Buffer.from(reference.keys.alpha?.sk ?? '', 'hex')
  const older = finalizeEvent(
    {
      kind: event.kind,
      created_at: event.created_at - 1,
      tags: event.tags.map((t) => [...t]),
      content: event.content.replace('"active"', '"offline"'),
    },
    secret,
  )
  const first = await receiver.receive(event)
  const replayed = await receiver.receive(older as unknown as NostrEvent)
  expect(first.pin).toEqual({ id: 'herm-qubes-alpha', key: alpha })
  expect(replayed).toEqual({ marks: [{ id: older.id }] })
  expect(receiver.store.peers()).toMatchObject([{ key: alpha, event: event.id, info: { status: 'active' } }])
  await receiver.close()
})
