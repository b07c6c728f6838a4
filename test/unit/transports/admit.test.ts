import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import type { EventId, NostrEvent, Pubkey, RelayUrl } from '../../../src/core/types.js'
import { openEngine } from '../../../src/crypto/engine.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { engineVerifier } from '../../../src/crypto/verify.js'
import { systemClock } from '../../../src/ops/system.js'
import type { CryptoEngine } from '../../../src/ports.js'
import { admission, type Admission, type From } from '../../../src/transports/admit.js'
import { inboxSources } from '../../../src/transports/inbox-filters.js'
import { partyOf, type Party } from '../../support/transport-bench.js'

describe('admission', () => {
  let engine: CryptoEngine
  let me: Party, peer: Party, stranger: Party
  beforeAll(async () => {
    engine = await openEngine()
    ;[me, peer, stranger] = [partyOf(engine, 'alpha'), partyOf(engine, 'beta'), partyOf(engine, 'gamma')]
  })

  const url = 'wss://relay.example' as RelayUrl
  interface Gate extends Admission {
    readonly refused: string[]
    readonly seen: Set<EventId>
    readonly verified: () => number
    /** What becomes of one event. */
    admits(event: unknown): Promise<boolean>
  }
  const gate = (trusts: (key: Pubkey) => boolean = (key) => key === peer.key): Gate => {
    const refused: string[] = []
    const seen = new Set<EventId>()
    let verified = 0
    const verifier = engineVerifier(engine)
    const it = admission({
      me: me.key,
      hashes: nodeHashes,
      verifier: {
        ...verifier,
        verify: (proofs) => {
          verified += proofs.length
          return verifier.verify(proofs)
        },
      },
      signer: me,
      clock: { ...systemClock(), now: () => 1_800_000_000_000 as never },
      maxEventBytes: 10_000,
      isTrusted: trusts,
      seen: (ids) => new Set(ids.filter((id) => seen.has(id))),
      onRefused: (code) => refused.push(code),
    })
    return {
      ...it,
      refused,
      seen,
      verified: () => verified,
      admits: async (event) => {
        const cheap = it.cheap({ raw: event, bytes: JSON.stringify(event).length }, from())
        return cheap !== undefined && (await it.prove([cheap], from())).length === 1
      },
    }
  }
  const from = (): From => ({
    url,
    filters: () => inboxSources({ me: me.key, roads: ['public', 'nip44'], trusted: [peer.key] }).map((s) => s.filter),
  })
  const nodeInfo = (of: Party, n = 0): NostrEvent => {
    const tags = [['t', 'ksp-service']]
    const event = of.message(n, { tags })
    return { ...event, tags: event.tags }
  }

  it('lets a trusted peer in, addressed to us or not', async () => {
    const g = gate()
    expect(await g.admits(peer.message(1, { to: me.key }))).toBe(true)
    expect(await g.admits(peer.message(2))).toBe(true)
    expect(g.refused).toEqual([])
  })

  it('refuses by size, shape, id, filter, trust and signature, in this order', async () => {
    const good = peer.message(1, { to: me.key })
    const big = stranger.message(1, { content: 'x'.repeat(10_000) })
    const g = gate()
    await g.admits({ ...big, id: 'no', sig: 'no' })
    await g.admits({ ...good, kind: -1, content: 'changed' })
    await g.admits({ ...stranger.message(1), content: 'changed', sig: good.sig })
    await g.admits({ ...stranger.message(1), sig: good.sig })
    await g.admits({ ...stranger.message(1, { to: me.key }), sig: good.sig })
    await g.admits({ ...good, sig: stranger.message(1).sig })

    expect(g.refused).toEqual([
      'too-large',
      'bad-event',
      'bad-event',
      'not-addressed',
      'untrusted-sender',
      'bad-signature',
    ])
    expect(g.verified()).toBe(1)
  })

  it('lets the true event in after a forged copy of it with the same id', async () => {
    const g = gate()
    const event = peer.message(1, { to: me.key })
    expect(await g.admits({ ...event, sig: peer.message(2).sig })).toBe(false)
    expect(await g.admits(event)).toBe(true)
  })

  it('verifies a forged copy once, however often it comes', async () => {
    const g = gate()
    const forged = { ...peer.message(1, { to: me.key }), sig: peer.message(2).sig }
    for (let i = 0; i < 5; i++) await g.admits(forged)
    expect(g.verified()).toBe(1)
    expect(g.refused).toEqual(['bad-signature'])
  })

  it('counts a stranger once and verifies nothing of theirs', async () => {
    const g = gate()
    const event = stranger.message(1, { to: me.key })
    for (let i = 0; i < 5; i++) await g.admits(event)
    expect(g.verified()).toBe(0)
    expect(g.refused).toEqual(['untrusted-sender'])
  })

  it('looks at a stranger again when the trusted set has changed', async () => {
    let trusted = false
    const g = gate(() => trusted)
    const event = stranger.message(1, { to: me.key })
    expect(await g.admits(event)).toBe(false)
    trusted = true
    expect(await g.admits(event)).toBe(false)
    g.forget()
    expect(await g.admits(event)).toBe(true)
  })

  it('drops what is seen, and our own, in silence', async () => {
    const g = gate(() => true)
    const event = peer.message(1, { to: me.key })
    g.seen.add(event.id)
    expect(await g.admits(event)).toBe(false)
    expect(await g.admits(me.message(1, { to: me.key }))).toBe(false)
    expect(g.refused).toEqual([])
    expect(g.verified()).toBe(0)
  })

  it("lets strangers' node-infos in, at a bounded rate, and nothing else under their name", async () => {
    const g = gate()
    const infos = await Promise.all(
      Array.from({ length: 150 }, (_, n) =>
        stranger.signEvent({
          kind: 30078,
          created_at: (1_800_000_000 + n) as never,
          tags: [
            ['d', 'ksp-service:herm-gamma'],
            ['t', 'kapnet'],
            ['t', 'ksp-service'],
          ],
          content: '{}',
        }),
      ),
    )
    const admitted: boolean[] = []
    for (const info of infos) admitted.push(await g.admits(info))
    expect(admitted.filter(Boolean)).toHaveLength(100)
    expect(new Set(g.refused)).toEqual(new Set(['rate-limited']))

    const h = gate()
    expect(await h.admits(nodeInfo(stranger))).toBe(false)
    expect(h.refused).toEqual(['untrusted-sender'])
  })

  it('opens what is sealed for us, and takes no interest in what is sealed for others', async () => {
    const g = gate()
    const toMe = await peer.sealed(me.key, 'the envelope')
    expect(await g.admits(toMe)).toBe(true)
    expect(await g.open(toMe, from())).toMatchObject({
      carrier: peer.key,
      road: 'nip44',
      confidential: true,
      toUs: true,
      text: 'the envelope',
      relay: url,
    })
    expect(await g.admits(await peer.sealed(stranger.key, 'not ours'))).toBe(false)
    // A trusted author's talk with others is no refusal: a Herm that reads by author sees all of it.
    expect(g.refused).toEqual([])
  })

  it('hands on without text what it can not open', async () => {
    const g = gate()
    const sealed = await peer.sealed(me.key, 'text')
    const broken = await peer.signEvent({ ...sealed, content: sealed.content.slice(0, -8) + 'AAAAAAA=' })
    expect(await g.admits(broken)).toBe(true)
    expect((await g.open(broken, from())).text).toBeUndefined()
  })

  it('reads a p tag that holds an npub as it reads hex', async () => {
    const { npubOf } = await import('../../../src/core/nodeinfo.js')
    const g = gate()
    const event = peer.message(1, { tags: [['p', npubOf(me.key)]] })
    expect(await g.admits(event)).toBe(true)
    expect((await g.open(event, from())).toUs).toBe(true)
  })

  it('never throws, whatever it is given', async () => {
    const g = gate(() => true)
    const template = peer.message(1, { to: me.key })
    const broken = fc.oneof(
      fc.anything(),
      fc.record(Object.fromEntries(Object.keys(template).map((k) => [k, fc.anything()])), { requiredKeys: [] }),
      fc
        .record({ member: fc.constantFrom(...Object.keys(template)), value: fc.anything() })
        .map(({ member, value }) => ({
          ...template,
          [member]: value,
        })),
    )
    await fc.assert(
      fc.asyncProperty(broken, async (raw) => {
        const event = g.cheap({ raw, bytes: 100 }, from())
        if (event !== undefined) await g.prove([event], from())
      }),
      { numRuns: 500 },
    )
  })
})
