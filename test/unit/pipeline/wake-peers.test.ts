import { describe, expect, it } from 'vitest'
import { makeRoster, type Roster } from '../../../src/core/peers.js'
import type { HermId, MessageId, Pubkey, UnixMs, UnixSec } from '../../../src/core/types.js'
import { hastenFor, wokenPeers } from '../../../src/pipeline/wake-peers.js'
import { manualClock } from '../../support/manual-clock.js'
import { ALICE, BOB, event, key, ME, nodeInfo, open, START } from '../store/build.js'
import { owing } from './build.js'

const NOW_SEC = START / 1000
const rosterWith = (infos: [Pubkey, { expiresAt: number; status?: 'active' | 'offline' }][]): Roster =>
  makeRoster({
    me: ME,
    myId: 'herm-me' as HermId,
    mode: 'allowlist',
    rules: [{ key: ALICE }, { key: BOB }],
    grants: [],
    pins: [],
    infos: infos.map(([k, { expiresAt, status = 'active' }]) => ({
      key: k,
      info: { ...nodeInfo('x'), status },
      createdAt: 1 as UnixSec,
      expiresAt: expiresAt as UnixSec,
      event: event('x'),
      seenAt: START,
    })),
  })
const later = { expiresAt: NOW_SEC + 3_600 }

describe('a peer that wakes', () => {
  it('was asleep, offline or unseen, is trusted, and is fresh now', () => {
    expect(wokenPeers(rosterWith([]), rosterWith([[BOB, later]]), START)).toEqual([BOB])
    expect(wokenPeers(rosterWith([[BOB, { expiresAt: NOW_SEC - 1 }]]), rosterWith([[BOB, later]]), START)).toEqual([
      BOB,
    ])
    expect(wokenPeers(rosterWith([[BOB, { ...later, status: 'offline' }]]), rosterWith([[BOB, later]]), START)).toEqual(
      [BOB],
    )
    expect(wokenPeers(rosterWith([[BOB, later]]), rosterWith([[BOB, later]]), START)).toEqual([])
    expect(wokenPeers(rosterWith([]), rosterWith([[key('stranger'), later]]), START)).toEqual([])
    expect(wokenPeers(rosterWith([]), rosterWith([[BOB, { ...later, status: 'offline' }]]), START)).toEqual([])
  })

  it('has the slow tries brought forward, spread and in their order, and no quick one put off', async () => {
    const clock = manualClock()
    const store = open(undefined, clock)
    const hours = [0.2, 1, 2, 3, 4, 5, 6]
    const ids: MessageId[] = []
    for (const h of hours) ids.push((await owing(store, BOB, 1, { dueAt: START + h * 3_600_000, name: `${h}` }))[0]!)
    await owing(store, ALICE, 1, { dueAt: START + 6 * 3_600_000 })

    await hastenFor([BOB], { store, clock, withinMs: 900_000 })

    const due = store.due(BOB, (START + 900_000) as UnixMs, 100)
    expect(due.map((d) => d.message).sort()).toEqual([...ids].sort())
    expect(due.filter((d) => d.message !== ids[0]).map((d) => d.message)).toEqual(ids.slice(1))
    expect(store.due(BOB, (START + 720_000 - 1) as UnixMs, 100).map((d) => d.message)).not.toContain(ids[0])
    expect(store.nextDue(ALICE)).toBe(START + 6 * 3_600_000)
  })

  it('is served the same with more messages than one transaction takes', async () => {
    const clock = manualClock()
    const store = open(undefined, clock)
    await owing(store, BOB, 5_001, { dueAt: START + 3_600_000 })
    await hastenFor([BOB], { store, clock, withinMs: 900_000 })
    expect(store.due(BOB, (START + 900_000) as UnixMs, 10_000)).toHaveLength(5_001)
  })
})
