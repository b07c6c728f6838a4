import { describe, expect, it } from 'vitest'
import type { Decision, Owed, PeerInfo } from '../../../src/core/decision.js'
import type { Destination } from '../../../src/core/types.js'
import { createAfterCommit, receiptBell } from '../../../src/pipeline/after-commit.js'
import { COUNTED, createTally } from '../../../src/pipeline/tally.js'
import { ALICE, BOB, event, hex, key, nodeInfo, START } from '../store/build.js'

const after = (
  ...decisions: Decision[]
): { rung: string[]; moved: string[]; rosters: number; conflicts: string[]; refused: number } => {
  const out = { rung: [] as string[], moved: [] as string[], rosters: 0, conflicts: [] as string[], refused: 0 }
  const tally = createTally()
  const follow = createAfterCommit({
    bell: { ring: (name) => out.rung.push(name), wait: () => Promise.resolve() },
    tally,
    rosterChanged: () => out.rosters++,
    isTrusted: (k) => k === ALICE,
    moved: (m) => out.moved.push(m),
    conflict: (refusal) => out.conflicts.push(refusal.message),
  })
  for (const d of decisions) follow(d)
  out.refused = Object.values(tally.read().refusals).reduce((a, b) => a + b, 0)
  return out
}
const owes = (...to: Destination[]): Owed[] =>
  to.map((name) => ({ message: hex('m'), to: name, dueAt: START, expiresAt: START, confidential: true }))
const peer = (name: string): PeerInfo => ({
  key: key(name),
  info: nodeInfo(name),
  createdAt: 1 as never,
  event: event(name),
  seenAt: START,
})

describe('after a commit', () => {
  it('whoever is owed something is rung for, and so are the pumps', () => {
    expect(after({ owes: owes(BOB, 'port:kapnetd') }).rung).toEqual([BOB, 'port:kapnetd', 'pumps'])
    const receipt = {
      to: ALICE,
      event: event('e'),
      status: 'accepted',
      at: START,
      dueAt: START,
      confidential: true,
    } as const
    expect(after({ receipts: [receipt] }).rung).toEqual([receiptBell(ALICE), 'pumps'])
    expect(after({}).rung).toEqual([])
  })

  it('nobody is rung for who can’t hear: names of KOR are waited for by no pump', () => {
    expect(after({ owes: owes('kor:room.kor') }).rung).toEqual(['pumps'])
    const move = { message: hex<never>('m'), to: 'kor:room.kor', state: 'done', at: START } as const
    expect(after({ moves: [move] }).rung).toEqual([])
  })

  it('a move wakes its pump and whoever watches the message', () => {
    const move = { message: hex<never>('m'), to: BOB, state: 'relay-ok', at: START } as const
    const out = after({ moves: [move] })
    expect(out.rung).toEqual([BOB])
    expect(out.moved).toEqual([hex('m')])
  })

  it('a refusal is counted once, and a conflict of ids shown', () => {
    const out = after(
      { refusal: { code: 'bad-json', message: 'x' } },
      { refusal: { code: 'id-conflict', message: 'herm-a twice' } },
    )
    expect(out.refused).toBe(2)
    expect(out.conflicts).toEqual(['herm-a twice'])
  })

  it('the roster is made anew for a pin and for somebody trusted, never for what strangers say', () => {
    expect(after({ pin: { id: 'herm-a' as never, key: BOB } }).rosters).toBe(1)
    expect(after({ peer: peer('alice') }).rosters).toBe(1)
    expect(after({ peer: peer('mallory') }, { marks: [{ id: event('x') }] }).rosters).toBe(0)
  })
})

describe('the tally', () => {
  it('starts at zero, counts, and gives away no more than a copy', () => {
    const tally = createTally()
    const before = tally.read()
    expect(Object.keys(before.counts)).toEqual([...COUNTED])
    tally.count('arrived', 5)
    tally.count('arrived')
    tally.refused('expired')
    expect(before.counts.arrived).toBe(0)
    expect(tally.read().counts.arrived).toBe(6)
    expect(tally.read().refusals.expired).toBe(1)
  })
})
