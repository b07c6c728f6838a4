import { describe, expect, it, onTestFinished } from 'vitest'
import type { Decision, Move } from '../../../src/core/decision.js'
import type { Receipt } from '../../../src/core/envelope-types.js'
import type { Carried } from '../../../src/core/inbound.js'
import { decideReceipts } from '../../../src/core/inbound-receipts.js'
import type { MessageId, NostrEvent, Pubkey, RelayUrl, UnixSec } from '../../../src/core/types.js'
import { makeReceiver, type Receiver } from '../../support/receiver.js'
import { ALICE, BOB, event, hex, ME, owe, START, strand } from '../store/build.js'

const A = strand('a', { author: ME })
const SENT = event('sent')
const MALLORY = hex<Pubkey>('mallory')

interface Bench {
  readonly r: Receiver
  receive(receipts: Partial<Receipt>[], by?: { author?: Pubkey; carrier?: Pubkey }): Promise<Decision>
  moved(...moves: Partial<Move>[]): Promise<unknown>
  steps(): number
}

/** A Herm that has sent A to Bob in the event SENT; Bob and Alice are trusted. */
const bench = async (): Promise<Bench> => {
  const r = await makeReceiver(START / 1000, { me: ME, rules: [{ key: BOB }, { key: ALICE }] })
  onTestFinished(() => r.close())
  const moved = (...moves: Partial<Move>[]): Promise<unknown> =>
    r.store.commit(() => ({
      moves: moves.map((m) => ({ message: A.id, to: BOB, state: 'relay-ok', at: START, ...m })),
    }))
  await r.store.commit(() => ({ strand: A, owes: [owe(A.id, BOB)] }))
  await moved({ event: SENT, sent: true, try: true })
  let n = 0
  return {
    r,
    moved,
    receive: (receipts, { author = BOB, carrier = author } = {}) => {
      const carried: Carried = {
        event: { id: event(`receipt ${n++}`), pubkey: carrier } as NostrEvent,
        carrier,
        road: 'nip44',
        confidential: true,
        toUs: true,
        text: '',
        relay: 'ws://127.0.0.1:1' as RelayUrl,
      }
      const bodies = receipts.map((x): Receipt => ({ event: SENT, status: 'accepted', at: 1 as UnixSec, ...x }))
      return r.store.commit((view) => decideReceipts(carried, bodies, author, view, r.context()))
    },
    steps: () => r.store.show(A.id)?.deliveries[0]?.transitions.length ?? 0,
  }
}
const state = (b: Bench): string | undefined => b.r.store.view.delivery(A.id, BOB)?.state

describe('a peer’s receipt', () => {
  it('settles the delivery that it is about, and tells how the braids compare', async () => {
    const b = await bench()
    await b.receive([{ stage: 'done', braid: { root: hex('root'), count: 3 } }])
    expect(state(b)).toBe('done')
    expect(b.r.store.show(A.id)?.deliveries[0]?.transitions.at(-1)?.reason).toBe(`braid 3 ${hex('root')}`)
  })

  it('of stage stored is looked after later, and absent means done', async () => {
    const b = await bench()
    await b.receive([{ stage: 'stored' }])
    expect(state(b)).toBe('peer-stored')
    expect(b.r.store.nextDue(BOB)).toBe(START + 30_000)
    await b.receive([{}])
    expect(state(b)).toBe('done')
  })

  it.each([
    ['from somebody else', {}, { author: ALICE }],
    ['for an event that we did not send', { event: event('another') }, {}],
    ['about another message', { ref: hex<MessageId>('other') }, {}],
    ['that is not for us', { audience: [ALICE] }, {}],
  ] as const)('%s changes nothing, and is remembered as such', async (_, parts, by) => {
    const b = await bench()
    const decision = await b.receive([{ stage: 'done', ...parts }], by)
    expect(decision.refusal?.code).toBe('not-addressed')
    expect(decision.marks).toHaveLength(1)
    expect(state(b)).toBe('relay-ok')
  })

  it.each([
    ['of a key that is not trusted', { author: MALLORY }],
    ['that another carries for its author', { author: BOB, carrier: ALICE }],
  ])('%s changes nothing', async (_, by) => {
    const b = await bench()
    const decision = await b.receive([{ stage: 'done' }], by)
    expect(decision.refusal?.code).toBe('untrusted-sender')
    expect(decision.marks?.[0]?.generation).toBe(1)
    expect(state(b)).toBe('relay-ok')
  })

  it('counts for an event that is on its way and not yet written down', async () => {
    const b = await bench()
    b.r.configure({ inFlight: (id) => (id === event('flying') ? { message: A.id, to: BOB } : undefined) })
    await b.receive([{ event: event('flying'), stage: 'done' }])
    expect(state(b)).toBe('done')
  })

  it('that says no for good ends it with the peer’s code; an unknown one is a rejection', async () => {
    const known = await bench()
    await known.receive([{ status: 'rejected', code: 'forbidden-action', message: 'x'.repeat(300) }])
    expect(known.r.store.deliveriesOf(A.id)).toEqual([{ to: BOB, state: 'dead', code: 'forbidden-action' }])
    expect(known.r.store.show(A.id)?.deliveries[0]?.transitions.at(-1)?.reason).toHaveLength(200)

    const unknown = await bench()
    await unknown.receive([{ status: 'rejected', code: 'because' }])
    expect(unknown.r.store.deliveriesOf(A.id)[0]?.code).toBe('local-rejected')

    const late = await bench()
    await late.receive([{ status: 'expired' }])
    expect(late.r.store.deliveriesOf(A.id)[0]?.code).toBe('expired')
  })

  it('that says "not now" is asked again, ever more seldom', async () => {
    const b = await bench()
    const waits: number[] = []
    for (let i = 0; i < 12; i++) {
      await b.moved({ state: 'relay-ok', event: event(`try ${i}`), sent: true, try: true })
      await b.receive([{ event: event(`try ${i}`), status: 'rejected', code: 'rate-limited' }])
      waits.push(b.r.store.nextDue(BOB)! - START)
    }
    expect(state(b)).toBe('retrying')
    expect(waits.slice(0, 3)).toEqual([120_000, 240_000, 480_000])
    expect(waits.at(-1)).toBe(6 * 60 * 60 * 1000)
  })

  it('that repeats what is known is taken note of and writes no step, however often it comes', async () => {
    const b = await bench()
    await b.receive([{ stage: 'stored' }])
    const [steps, due] = [b.steps(), b.r.store.nextDue(BOB)]
    for (let i = 0; i < 20; i++) {
      const decision = await b.receive(Array.from({ length: 100 }, () => ({ stage: 'stored' as const })))
      expect(decision.refusal).toBeUndefined()
      expect(decision.marks).toHaveLength(1)
    }
    expect(b.steps()).toBe(steps)
    expect(b.r.store.nextDue(BOB)).toBe(due)
  })

  it('brings even a dead delivery back to the truth', async () => {
    const b = await bench()
    await b.moved({ state: 'dead', code: 'max-age' })
    await b.receive([{ stage: 'stored' }])
    expect(state(b)).toBe('peer-stored')
    await b.receive([{ stage: 'done' }])
    expect(state(b)).toBe('done')
  })

  it('counts by itself among others that are not about us', async () => {
    const b = await bench()
    const decision = await b.receive([{ event: event('x') }, { stage: 'done' }, { event: event('y') }])
    expect(decision.refusal).toBeUndefined()
    expect(state(b)).toBe('done')
  })
})
