import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { actionAllowed, makeRoster, type PeerRule, type Roster, type RosterInput } from '../../../src/core/peers.js'
import type { HermId, KorName, Pubkey, UnixMs, UnixSec } from '../../../src/core/types.js'
import { ALICE, BOB, event, key, ME, nodeInfo, START } from '../store/build.js'

const id = (name: string): HermId => name as HermId
const CAROL = key('carol')
const rosterOf = (over: Partial<RosterInput> = {}): Roster =>
  makeRoster({ me: ME, myId: id('herm-me'), mode: 'allowlist', rules: [], grants: [], pins: [], infos: [], ...over })
const info = (
  of: Pubkey,
  over: Partial<RosterInput['infos'][number]> & { kor?: string[]; status?: 'active' | 'draining' | 'offline' } = {},
): RosterInput['infos'][number] => ({
  key: of,
  info: { ...nodeInfo('herm-x'), kor_namespaces: over.kor ?? [], status: over.status ?? 'active' },
  createdAt: (START / 1000) as UnixSec,
  event: event('x'),
  seenAt: START,
  ...(over.expiresAt === undefined ? {} : { expiresAt: over.expiresAt }),
})
const whyAll = (roster: Roster, ...keys: Pubkey[]): string[] => keys.map((k) => roster.standing(k).why)

describe('trust', () => {
  it('is of the configuration, of the operator, or of nobody', () => {
    const roster = rosterOf({ rules: [{ key: ALICE }], grants: [{ key: BOB, verdict: 'approved' }] })
    expect(whyAll(roster, ALICE, BOB, CAROL)).toEqual(['config', 'approved', 'unknown'])
    expect(roster.trustedKeys()).toEqual([ALICE, BOB])
  })

  it('in an open house is of all, without receipts and grants', () => {
    const roster = rosterOf({ mode: 'open', rules: [{ key: ALICE, actions: ['a'] }] })
    expect(roster.standing(CAROL)).toEqual({ trusted: true, why: 'open', receipts: false })
    expect(roster.standing(ALICE)).toMatchObject({ receipts: true, actions: ['a'] })
    expect(roster.trustedKeys()).toEqual([ALICE])
  })

  it('on first use is of the key that came first for an id that the operator has named', () => {
    const rules: PeerRule[] = [{ id: id('herm-bob'), kor: ['room.kor' as KorName], actions: ['room.*'] }]
    const before = rosterOf({ mode: 'tofu', rules })
    expect(before.mayPin(id('herm-bob'), BOB)).toBe(true)
    expect(before.mayPin(id('herm-carol'), CAROL)).toBe(false)
    expect(before.standing(BOB).trusted).toBe(false)

    const after = rosterOf({ mode: 'tofu', rules, pins: [{ id: id('herm-bob'), key: BOB }] })
    expect(after.standing(BOB)).toMatchObject({ trusted: true, why: 'tofu', receipts: true, actions: ['room.*'] })
    expect(after.mayPin(id('herm-bob'), CAROL)).toBe(false)
    // What tofu pinned does not count when the operator goes back to an allowlist.
    expect(rosterOf({ rules, pins: [{ id: id('herm-bob'), key: BOB }] }).standing(BOB).trusted).toBe(false)
  })

  it('is never of a key that is blocked, whatever else speaks for it', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('allowlist' as const, 'tofu' as const, 'open' as const),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        (mode, inConfig, named, pinned, seen) => {
          const roster = rosterOf({
            mode,
            rules: [
              ...(inConfig ? [{ key: BOB, kor: ['kor' as KorName] }] : []),
              ...(named ? [{ id: id('herm-bob'), kor: ['kor' as KorName] }] : []),
            ],
            grants: [{ key: BOB, verdict: 'blocked', id: id('herm-bob') }],
            pins: pinned ? [{ id: id('herm-bob'), key: BOB }] : [],
            infos: seen ? [info(BOB, { kor: ['room.kor'] })] : [],
          })
          const standing = roster.standing(BOB)
          expect(standing).toMatchObject({ trusted: false, receipts: false, why: 'blocked' })
          expect(standing.kor ?? standing.actions ?? standing.agents).toBeUndefined()
          expect(roster.trustedKeys()).not.toContain(BOB)
          expect(roster.servers('room.kor')).toEqual([])
          expect(roster.mayPin(id('herm-bob'), BOB)).toBe(false)
          expect(roster.mayPin(id('herm-new'), BOB)).toBe(false)
        },
      ),
    )
  })

  it('never lists us among those whom we trust', () => {
    expect(rosterOf({ rules: [{ key: ME }, { key: ALICE }] }).trustedKeys()).toEqual([ALICE])
  })
})

describe('a Herm id', () => {
  it('is of one key, and a key of one id: the configuration first, then the operator, then who came first', () => {
    const roster = rosterOf({
      rules: [{ key: ALICE, id: id('herm-a') }],
      grants: [
        { key: BOB, verdict: 'approved', id: id('herm-a') },
        { key: CAROL, verdict: 'approved', id: id('herm-c') },
      ],
      pins: [
        { id: id('herm-a'), key: BOB },
        { id: id('herm-c'), key: BOB },
        { id: id('herm-b'), key: BOB },
        { id: id('herm-b2'), key: BOB },
      ],
    })
    expect(roster.keyOf(id('herm-a'))).toBe(ALICE)
    expect(roster.keyOf(id('herm-c'))).toBe(CAROL)
    expect(roster.keyOf(id('herm-b'))).toBe(BOB)
    expect(roster.keyOf(id('herm-b2'))).toBeUndefined()
    expect([ALICE, BOB, CAROL].map((k) => roster.hermOf(k))).toEqual(['herm-a', 'herm-b', 'herm-c'])
  })

  it('of ours is nobody else’s', () => {
    const roster = rosterOf({
      rules: [{ key: ALICE, id: id('herm-me') }],
      pins: [{ id: id('herm-me'), key: BOB }],
    })
    expect(roster.keyOf(id('herm-me'))).toBe(ME)
    expect(roster.hermOf(ALICE)).toBeUndefined()
    expect(roster.mayPin(id('herm-me'), ALICE)).toBe(false)
  })

  it('may be taken by a trusted key that has none', () => {
    const roster = rosterOf({ rules: [{ key: ALICE }, { key: BOB, id: id('herm-b') }] })
    expect(roster.mayPin(id('herm-a'), ALICE)).toBe(true)
    expect(roster.mayPin(id('herm-b'), ALICE)).toBe(false)
    expect(roster.mayPin(id('herm-b2'), BOB)).toBe(false)
    expect(roster.mayPin(id('herm-c'), CAROL)).toBe(false)
  })
})

describe('what a peer offers', () => {
  const kor = (...names: string[]): KorName[] => names as KorName[]

  it('attracts messages only where it says so and was granted it', () => {
    const serves = (granted: string[] | undefined, advertised: string[]): boolean =>
      rosterOf({
        rules: [{ key: ALICE, ...(granted === undefined ? {} : { kor: kor(...granted) }) }],
        infos: [info(ALICE, { kor: advertised })],
      }).servers('deep.room.kor').length === 1
    expect(serves(['room.kor'], ['room.kor'])).toBe(true)
    expect(serves(['kor'], ['room.kor'])).toBe(true)
    expect(serves(['room.kor'], [])).toBe(false)
    expect(serves(undefined, ['room.kor'])).toBe(false)
    expect(serves(['room.kor'], ['kor'])).toBe(false)
    expect(serves(['other.kor'], ['room.kor'])).toBe(false)
  })

  it('is fresh until it runs out, says that it is offline, or is two hours old', () => {
    const at = (ms: number): UnixMs => (START + ms) as UnixMs
    const fresh = (over: Parameters<typeof info>[1], ms: number): boolean =>
      rosterOf({ infos: [info(ALICE, over)] }).isFresh(ALICE, at(ms))
    const until = (START / 1000 + 60) as UnixSec
    expect(fresh({ expiresAt: until }, 59_999)).toBe(true)
    expect(fresh({ expiresAt: until }, 60_000)).toBe(false)
    expect(fresh({}, 2 * 3_600_000 - 1)).toBe(true)
    expect(fresh({}, 2 * 3_600_000)).toBe(false)
    expect(fresh({ status: 'offline' }, 0)).toBe(false)
    expect(fresh({ status: 'draining' }, 0)).toBe(true)
    expect(rosterOf().isFresh(ALICE, at(0))).toBe(false)
  })
})

describe('a granted action', () => {
  it('is named as it is, or by its beginning', () => {
    expect(actionAllowed(undefined, 'anything')).toBe(true)
    expect(actionAllowed([], 'anything')).toBe(false)
    expect(actionAllowed(['room.post'], 'room.post')).toBe(true)
    expect(actionAllowed(['room.post'], 'room.post.all')).toBe(false)
    expect(actionAllowed(['room.*'], 'room.')).toBe(true)
    expect(actionAllowed(['room.*'], 'room')).toBe(false)
    expect(actionAllowed(['*'], 'x')).toBe(true)
    expect(actionAllowed(['a*c'], 'abc')).toBe(false)
  })
})
