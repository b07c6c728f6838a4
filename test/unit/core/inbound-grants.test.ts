import { describe, expect, it } from 'vitest'
import type { Txxm } from '../../../src/core/envelope-types.js'
import type { Carried, InboundContext } from '../../../src/core/inbound.js'
import { mayCome } from '../../../src/core/inbound-grants.js'
import { makeRoster, type RosterInput } from '../../../src/core/peers.js'
import type { HermId, KorName, Pubkey } from '../../../src/core/types.js'
import { ALICE, BOB, key, ME, nodeInfo, START } from '../store/build.js'

const STRANGER = key('stranger')
const kor = (name: string): KorName => name as KorName

const come = (
  o: {
    body?: Partial<Txxm>
    author?: Pubkey
    carrier?: Pubkey
    toUs?: boolean
    roster?: Partial<RosterInput>
    own?: string[]
  } = {},
): string => {
  const roster = makeRoster({
    me: ME,
    myId: 'herm-me' as HermId,
    mode: 'allowlist',
    rules: [
      { key: ALICE, id: 'herm-alice' as HermId },
      { key: BOB, id: 'herm-bob' as HermId },
    ],
    grants: [],
    pins: [],
    infos: [],
    ...o.roster,
  })
  const author = o.author ?? ALICE
  const body = {
    type: 'signal',
    action: 'room.post',
    target_kor: 'room.kor',
    source_kor: 'herm-alice.room.kor',
    payload: {},
    sender: author,
    nonce: '1',
    audience: [ME],
    ...o.body,
  } as Txxm
  const carried = { carrier: o.carrier ?? author, toUs: o.toUs ?? true } as Carried
  const ctx = { roster, korNamespaces: (o.own ?? ['room.kor']).map(kor) } as unknown as InboundContext
  const answer = mayCome(author, carried, body, ctx)
  return answer.ok ? 'ok' : answer.refusal.code
}
const info = (of: Pubkey, agents: string[]): RosterInput['infos'][number] => ({
  key: of,
  info: { ...nodeInfo('herm-alice'), agents },
  createdAt: 1 as never,
  event: 'e' as never,
  seenAt: START,
})
const withoutAudience = { audience: undefined } as unknown as Partial<Txxm>

describe('who may come', () => {
  it('is a trusted author, brought by a trusted carrier', () => {
    expect(come()).toBe('ok')
    expect(come({ carrier: BOB })).toBe('ok')
    expect(come({ author: STRANGER })).toBe('untrusted-sender')
    expect(come({ carrier: STRANGER })).toBe('untrusted-sender')
  })

  it('is never we ourselves', () => {
    expect(come({ author: ME })).toBe('not-addressed')
  })

  it('is in the audience with us, whatever else holds', () => {
    expect(come({ body: { audience: [BOB] } })).toBe('not-addressed')
    expect(come({ body: { audience: [BOB, ME] }, own: [] })).toBe('ok')
  })

  it('is routed to a name that we serve, where it is sent to us without an audience', () => {
    expect(come({ body: withoutAudience })).toBe('ok')
    expect(come({ body: { ...withoutAudience, target_kor: 'deep.room.kor' } })).toBe('ok')
    expect(come({ body: withoutAudience, own: ['other.kor'] })).toBe('not-addressed')
    expect(come({ body: { ...withoutAudience, target_kor: 'broom.kor' } })).toBe('not-addressed')
    // Gossip is for everybody who reads it.
    expect(come({ body: withoutAudience, own: [], toUs: false })).toBe('ok')
  })

  it('speaks under its own id or for one of its agents', () => {
    expect(come({ body: { source_kor: 'herm-carol.room.kor' } })).toBe('forbidden-kor')
    expect(come({ body: { source_kor: 'ezra.room.kor' }, roster: { infos: [info(ALICE, ['ezra'])] } })).toBe('ok')
    expect(come({ body: { source_kor: 'not a name' } })).toBe('forbidden-kor')
  })

  it('does not speak as another Herm by calling it an agent of its own', () => {
    const infos = [info(ALICE, ['herm-bob', 'herm-me'])]
    expect(come({ body: { source_kor: 'herm-bob.room.kor' }, roster: { infos } })).toBe('forbidden-kor')
    expect(come({ body: { source_kor: 'herm-me.room.kor' }, roster: { infos } })).toBe('forbidden-kor')
  })

  it('may use any name that nobody has while its node-info has not come', () => {
    const rules = [{ key: ALICE }, { key: BOB, id: 'herm-bob' as HermId }]
    expect(come({ roster: { rules } })).toBe('ok')
    expect(come({ roster: { rules }, body: { source_kor: 'herm-bob.room.kor' } })).toBe('forbidden-kor')
  })

  it('speaks from a namespace that it was granted, where any was', () => {
    const rules = [{ key: ALICE, id: 'herm-alice' as HermId, kor: [kor('room.kor')] }]
    expect(come({ roster: { rules } })).toBe('ok')
    expect(come({ roster: { rules }, body: { source_kor: 'herm-alice.deep.room.kor' } })).toBe('ok')
    expect(come({ roster: { rules }, body: { source_kor: 'herm-alice.other.kor' } })).toBe('forbidden-kor')
    expect(come({ roster: { rules }, body: { source_kor: 'herm-alice' } })).toBe('forbidden-kor')
  })

  it('asks for what it was granted, where anything was', () => {
    const rules = [{ key: ALICE, id: 'herm-alice' as HermId, actions: ['room.*', 'ping'] }]
    expect(come({ roster: { rules } })).toBe('ok')
    expect(come({ roster: { rules }, body: { action: 'ping' } })).toBe('ok')
    expect(come({ roster: { rules }, body: { action: 'pinged' } })).toBe('forbidden-action')
    expect(come({ roster: { rules }, body: { action: 'roomy' } })).toBe('forbidden-action')
  })

  it('is nobody who is blocked, in any mode', () => {
    for (const mode of ['allowlist', 'tofu', 'open'] as const) {
      expect(come({ roster: { mode, grants: [{ key: ALICE, verdict: 'blocked' }] } })).toBe('untrusted-sender')
    }
  })
})
