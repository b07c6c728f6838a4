import { describe, expect, it, onTestFinished } from 'vitest'
import type { HermId, Pubkey, UnixSec } from '../../../src/core/types.js'
import { createRosterKeeper, type RosterKeeper, type TrustRules } from '../../../src/pipeline/roster-keeper.js'
import type { BraidReader, Store } from '../../../src/ports.js'
import { watching, type Watch } from '../../support/watching.js'
import { ALICE, BOB, event, ME, nodeInfo, open, put, START } from '../store/build.js'
import { keptLog } from './build.js'

interface Bench {
  readonly store: Store & BraidReader
  readonly keeper: RosterKeeper
  readonly changes: { trust: boolean; generation: boolean; beforeKnewBob: boolean }[]
  readonly bugs: unknown[]
  readonly watch: Watch
}

const bench = async (
  rules: Partial<TrustRules> = {},
  over: { store?: Store & BraidReader; peers?: () => never } = {},
): Promise<Bench> => {
  const store = over.store ?? open()
  const changes: Bench['changes'] = []
  const bugs: unknown[] = []
  const watch = watching()
  let broken = false
  const keeper = await createRosterKeeper({
    me: ME,
    myId: 'herm-me' as HermId,
    rules: { mode: 'tofu', peers: [{ id: 'herm-bob' as HermId }], fingerprint: '1', ...rules },
    store: { ...store, peers: () => (broken && over.peers !== undefined ? over.peers() : store.peers()) },
    log: keptLog(),
    onBug: (error) => {
      bugs.push(error)
      watch.changed()
    },
    onChange: ({ trust, generation, before }) => {
      changes.push({ trust, generation, beforeKnewBob: before.infoOf(BOB) !== undefined })
      watch.changed()
    },
  })
  broken = true
  onTestFinished(() => keeper.close())
  return { store, keeper, changes, bugs, watch }
}
const seeBob = (store: Store, createdAt = 1): Promise<unknown> =>
  put(store, {
    peer: {
      key: BOB,
      info: nodeInfo('herm-bob'),
      createdAt: createdAt as UnixSec,
      event: event(`info ${createdAt}`),
      seenAt: START,
    },
    pin: { id: 'herm-bob' as HermId, key: BOB },
  })
const isTrusted = (b: Bench, k: Pubkey): boolean => b.keeper.roster().standing(k).trusted

describe('the roster’s keeper', () => {
  it('makes it anew when what it rests on has changed, and says what is different', async () => {
    const b = await bench()
    expect(isTrusted(b, BOB)).toBe(false)

    await seeBob(b.store)
    b.keeper.changed()
    await b.watch.until(() => b.changes.length === 1)

    expect(isTrusted(b, BOB)).toBe(true)
    expect(b.changes).toEqual([{ trust: true, generation: false, beforeKnewBob: false }])
  })

  it('makes one of many changes, and none is missed', async () => {
    const b = await bench()
    for (let i = 0; i < 500; i++) b.keeper.changed()
    await b.watch.until(() => b.changes.length === 1)

    // During the rest after a rebuild: it is made up for at its end.
    await seeBob(b.store)
    for (let i = 0; i < 500; i++) b.keeper.changed()
    await b.watch.until(() => b.changes.length === 2)

    expect(isTrusted(b, BOB)).toBe(true)
  })

  it('moves the generation when the rules are others, and only then', async () => {
    const b = await bench()
    const first = b.keeper.generation()
    await b.keeper.reconfigure({ mode: 'allowlist', peers: [], fingerprint: '1' })
    expect(b.keeper.generation()).toBe(first)
    await b.keeper.reconfigure({ mode: 'allowlist', peers: [{ key: ALICE }], fingerprint: '2' })
    expect(b.keeper.generation()).toBe(first + 1)
    expect(b.changes.map((c) => c.generation)).toEqual([false, true])
    expect(isTrusted(b, ALICE)).toBe(true)
  })

  it('knows after a restart that the rules have changed while it was down', async () => {
    const one = await bench()
    const two = await bench({ fingerprint: '2' }, { store: one.store })
    expect(two.keeper.generation()).toBe(one.keeper.generation() + 1)
    const three = await bench({ fingerprint: '2' }, { store: one.store })
    expect(three.keeper.generation()).toBe(two.keeper.generation())
  })

  it('counts an operator’s grant as another configuration', async () => {
    const b = await bench()
    const before = b.keeper.generation()
    await b.store.setGrant({ key: ALICE, verdict: 'approved', at: START })
    await b.keeper.reconfigure({ mode: 'tofu', peers: [], fingerprint: '1' })
    expect(b.keeper.generation()).toBe(before + 1)
    expect(isTrusted(b, ALICE)).toBe(true)
  })

  it('tells a bug instead of throwing it out of a timer', async () => {
    const b = await bench(
      {},
      {
        peers: () => {
          throw new TypeError('a bug')
        },
      },
    )
    b.keeper.changed()
    await b.watch.until(() => b.bugs.length === 1)
    expect(b.changes).toEqual([])
  })

  it('makes nothing any more when it is closed', async () => {
    const b = await bench()
    b.keeper.changed()
    b.keeper.close()
    b.keeper.changed()
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(b.changes).toEqual([])
  })
})
