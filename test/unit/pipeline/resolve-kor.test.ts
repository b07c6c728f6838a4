import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Decision } from '../../../src/core/decision.js'
import { Fault } from '../../../src/core/fault.js'
import { makeRoster, type Roster } from '../../../src/core/peers.js'
import type { Destination, HermId, KorName, Pubkey } from '../../../src/core/types.js'
import { createKorResolver } from '../../../src/pipeline/resolve-kor.js'
import type { BraidReader, Store } from '../../../src/ports.js'
import { manualClock } from '../../support/manual-clock.js'
import { ALICE, BOB, event, key, ME, nodeInfo, open, START, WITH_ALICE, WITH_BOB } from '../store/build.js'
import { keptLog, owing } from './build.js'

const DAY_MS = 86_400_000

const rosterOf = (serving: Record<Pubkey, readonly string[]>): Roster =>
  makeRoster({
    me: ME,
    myId: 'herm-me' as HermId,
    mode: 'allowlist',
    rules: Object.entries(serving).map(([k, names]) => ({ key: k as Pubkey, kor: names as KorName[] })),
    grants: [],
    pins: [],
    infos: Object.entries(serving).map(([k, names]) => ({
      key: k as Pubkey,
      info: { ...nodeInfo('x'), kor_namespaces: [...names] },
      createdAt: 1 as never,
      event: event('x'),
      seenAt: START,
    })),
  })

const bench = (
  serving: Record<Pubkey, readonly string[]>,
  over: Partial<Store> = {},
): {
  store: Store & BraidReader
  loads: () => number
  decided: Decision[]
  log: ReturnType<typeof keptLog>
  clock: ReturnType<typeof manualClock>
  resolve: () => Promise<void>
  serve: (s: Record<Pubkey, readonly string[]>) => void
} => {
  const clock = manualClock()
  const store = open(undefined, clock)
  let roster = rosterOf(serving)
  let loads = 0
  const decided: Decision[] = []
  const log = keptLog()
  const resolve = createKorResolver({
    store: {
      ...store,
      load: (id) => {
        loads++
        return store.load(id)
      },
      ...over,
    },
    roster: () => roster,
    clock,
    log,
    afterCommit: (d) => decided.push(d),
  })
  return { store, loads: () => loads, decided, log, clock, resolve, serve: (s) => (roster = rosterOf(s)) }
}
const ROOM: Destination = 'kor:room.kor'

describe('what waits for a Herm that serves its name', () => {
  it('becomes a delivery to each that does, once, and joins the braids with them', async () => {
    const b = bench({ [ALICE]: ['kor'], [BOB]: ['room.kor'] })
    const [id] = await owing(b.store, ROOM, 1)
    await b.resolve()
    await b.resolve()

    expect(b.store.deliveriesOf(id!).sort((x, y) => (x.to < y.to ? -1 : 1))).toEqual(
      [
        { to: ROOM, state: 'done' },
        { to: BOB, state: 'queued' },
      ].sort((x, y) => (x.to < y.to ? -1 : 1)),
    )
    expect(b.store.view.message(id!)?.scopes).toContain(WITH_BOB)
    expect(b.decided).toHaveLength(1)
    expect(b.store.nextDue(ROOM)).toBeUndefined()
  })

  it('goes to all that serve it equally well', async () => {
    const b = bench({ [ALICE]: ['room.kor'], [BOB]: ['room.kor'] })
    const [id] = await owing(b.store, ROOM, 1)
    await b.resolve()
    expect(b.store.deliveriesOf(id!).map((d) => d.to)).toEqual(expect.arrayContaining([ALICE, BOB]))
    expect(b.store.view.message(id!)?.scopes).toEqual(expect.arrayContaining([WITH_ALICE, WITH_BOB]))
  })

  it('goes on waiting, without being read, while nobody does', async () => {
    const b = bench({ [BOB]: ['other.kor'] })
    const ids = await owing(b.store, ROOM, 20)
    await b.resolve()
    expect(b.loads()).toBe(0)
    expect(b.store.deliveriesOf(ids[0]!)).toEqual([{ to: ROOM, state: 'queued' }])
  })

  it('is dead when its time is over', async () => {
    const b = bench({})
    const [id] = await owing(b.store, ROOM, 1, { expiresAt: START + DAY_MS })
    b.clock.advance(2 * DAY_MS)
    await b.resolve()
    expect(b.store.deliveriesOf(id!)).toEqual([{ to: ROOM, state: 'dead', code: 'max-age' }])
  })

  it('is resolved to the last one, however many there are', async () => {
    const b = bench({ [BOB]: ['room.kor'] })
    await owing(b.store, ROOM, 1_203, { dueAt: START - 10_000 })
    await b.resolve()
    expect(b.store.counts().deliveries).toMatchObject({ done: 1_203, queued: 1_203 })
  })

  it('is looked at once more where the roster changed meanwhile, and never by two at once', async () => {
    const b = bench({})
    const [id] = await owing(b.store, ROOM, 1)
    const first = b.resolve()
    b.serve({ [BOB]: ['room.kor'] })
    await Promise.all([first, b.resolve(), b.resolve()])
    expect(b.store.deliveriesOf(id!).map((d) => d.to)).toContain(BOB)
    expect(b.decided).toHaveLength(1)
  })

  it('waits for the next change where the store fails; that is no bug', async () => {
    let fails = true
    const b = bench(
      { [BOB]: ['room.kor'] },
      {
        commit: (decide) => (fails ? Promise.reject(new Fault('store', 'disk full')) : b.store.commit(decide)),
      },
    )
    const [id] = await owing(b.store, ROOM, 1)
    await b.resolve()
    expect(b.log.events()).toEqual(['kor.fault'])
    fails = false
    await b.resolve()
    expect(b.store.deliveriesOf(id!).map((d) => d.to)).toContain(BOB)
  })

  it('goes where a naive search for the longest suffix would send it', () => {
    const label = fc.constantFrom('a', 'b', 'room', 'kor')
    const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'))
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(4), name), { maxLength: 12 }), name, (advertised, target) => {
        const serving: Record<Pubkey, string[]> = {}
        for (const [peer, kor] of advertised) (serving[key(`p${peer}`)] ??= []).push(kor)

        const labels = target.split('.')
        let expected: string[] = []
        for (let from = 0; from < labels.length && expected.length === 0; from++) {
          const suffix = labels.slice(from).join('.')
          expected = Object.keys(serving).filter((k) => serving[k as Pubkey]?.includes(suffix))
        }

        expect(rosterOf(serving).servers(target).sort()).toEqual(expected.sort())
      }),
    )
  })
})
