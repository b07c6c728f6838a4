import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { attestationOf, attestationTemplate } from '../../src/core/attestation.js'
import { canonical } from '../../src/core/canonical.js'
import { readContent } from '../../src/core/envelope.js'
import type { Txxm } from '../../src/core/envelope-types.js'
import { decodeKapTxxm, encodeKapTxxm, kapObjectId, kapPreimage } from '../../src/core/kap.js'
import { makeRoster } from '../../src/core/peers.js'
import { toKap } from '../../src/core/to-kap.js'
import type { HermId, JsonObject, JsonValue, KorName, Pubkey } from '../../src/core/types.js'
import type { RelayUrl, UnixMs, UnixSec } from '../../src/core/types.js'
import { openEngine } from '../../src/crypto/engine.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import { nip44 } from '../../src/crypto/nip44.js'
import { engineVerifier } from '../../src/crypto/verify.js'
import { localSigner } from '../../src/identity/local-signer.js'
import { systemRandom } from '../../src/ops/system.js'
import { createInbound } from '../../src/pipeline/intake-inbound.js'
import { createTally } from '../../src/pipeline/tally.js'
import type { BraidReader, Clock, CryptoEngine, Signer, Store } from '../../src/ports.js'
import { openStore } from '../../src/store/open.js'
import { admission, type Admission } from '../../src/transports/admit.js'
import { inboxSources } from '../../src/transports/inbox-filters.js'
import { isBodyType, mutate, mutated, near, seeds, withHash } from '../support/mutated.js'
import { takenBy } from '../support/running-herm.js'
import { testSecret } from '../support/vectors.js'

// The whole way of what a relay sends, from raw JSON to what is stored: the real checks, the real engine, a real store. No
// event, however wrong, makes anything throw; a refusal leaves nothing behind but its mark and the receipt that tells of it;
// and whatever was taken is what its author hashed. A failure prints its seed, with which the same events come again in
// the same order; the store is one for all of them, so a failure is not shrunk.

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const reference = JSON.parse(readFileSync(new URL('../../kinds/vectors/reference.json', import.meta.url), 'utf8')) as {
  now: number
  keys: Record<string, { pk: Pubkey; sk: string }>
}
const keyNamed = (name: string): Pubkey => reference.keys[name]!.pk
const me = keyNamed('beta')
const RELAY = 'ws://127.0.0.1:1' as RelayUrl

type Author = 'alpha' | 'beta' | 'gamma' | 'stranger'

interface Offered {
  readonly content: JsonValue
  readonly text: string | undefined
  readonly author: Author
  readonly to: Pubkey | undefined
  readonly sealed: boolean
  readonly attest: 'as it is' | 'anew' | 'not'
  readonly created_at: number
  readonly moreTags: string[][]
  readonly spoil: { readonly path: number[]; readonly change: JsonValue; readonly how: number } | undefined
}

const seldom = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 7, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })

/** A TXXM with a payload that nobody thought of: most of these are taken. */
const anyPayload: fc.Arbitrary<JsonValue> = fc
  .tuple(
    fc.constantFrom(...seeds.filter((seed) => seed.type === 'txxm-envelope')),
    fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ noUnicodeString: false }) as fc.Arbitrary<JsonValue>),
  )
  .map(([seed, payload]) => withHash({ ...seed, txxm: { ...(seed.txxm as JsonObject), payload } }))

const offered: fc.Arbitrary<Offered> = fc.record({
  content: fc.oneof({ weight: 3, arbitrary: mutated }, { weight: 1, arbitrary: anyPayload }),
  text: seldom(fc.oneof(fc.json(), fc.string({ unit: 'binary' }))),
  author: fc.constantFrom<Author>('alpha', 'alpha', 'alpha', 'alpha', 'gamma', 'stranger', 'beta'),
  to: fc.constantFrom(me, me, me, keyNamed('gamma'), undefined),
  sealed: fc.boolean(),
  attest: fc.constantFrom<Offered['attest']>('as it is', 'anew', 'anew', 'not'),
  created_at: fc.oneof(fc.constant(reference.now), fc.nat(), fc.constantFrom(0, 4_000_000_000, 2 ** 53 - 1)),
  moreTags: fc.oneof(
    { weight: 3, arbitrary: fc.constant<string[][]>([]) },
    {
      weight: 1,
      arbitrary: fc.array(
        fc
          .tuple(fc.constantFrom('d', 'id', 'ns', 'payload', 'class', 'kap', 'p', 'expiration'), fc.string())
          .map((tag) => tag.slice()),
        { maxLength: 3 },
      ),
    },
  ),
  spoil: seldom(fc.record({ path: fc.array(fc.nat(8), { minLength: 1, maxLength: 4 }), change: near, how: fc.nat(2) })),
})

let engine: CryptoEngine
let folder: string
let braid: string
let store: Store & BraidReader
let gate: Admission
let intake: ReturnType<typeof createInbound>
const tally = createTally()
const signers = {} as Record<Author, Signer>

beforeAll(async () => {
  engine = await openEngine()
  folder = mkdtempSync(join(tmpdir(), 'ksp-fuzz-'))
  braid = join(folder, 'braid.sqlite')
  const signerOf = (secret: Uint8Array): Signer => localSigner(secret, engine, nip44, systemRandom)
  for (const name of ['alpha', 'beta', 'gamma'] as const) signers[name] = signerOf(testSecret(reference, name))
  signers.stranger = signerOf(nodeHashes.sha256('a stranger'))

  const clock: Clock = { now: () => (reference.now * 1000) as UnixMs, sleep: () => Promise.resolve() }
  const verifier = engineVerifier(engine)
  store = openStore(braid, { clock, hashes: nodeHashes })
  const kor = ['sys.pluronymous.org', 'room.kor'] as KorName[]
  const roster = () =>
    makeRoster({
      me,
      myId: 'herm-qubes-beta' as HermId,
      mode: 'allowlist',
      rules: [{ key: keyNamed('alpha'), id: 'herm-qubes-alpha' as HermId, kor }, { key: keyNamed('gamma') }],
      grants: [],
      pins: store.pins(),
      infos: store.peers(),
    })
  gate = admission({
    me,
    hashes: nodeHashes,
    verifier,
    signer: signers.beta,
    clock,
    maxEventBytes: 64 * 1024,
    isTrusted: (key) => roster().standing(key).trusted,
    seen: (ids) => new Set(ids.filter((id) => store.view.mark(id) !== undefined)),
    onRefused: (code) => tally.refused(code),
  })
  intake = createInbound({
    store,
    verifier,
    hashes: nodeHashes,
    clock,
    log: silent,
    tally,
    afterCommit: ({ refusal }) => {
      if (refusal !== undefined) tally.refused(refusal.code)
    },
    context: () => ({
      now: clock.now(),
      roster: roster(),
      korNamespaces: kor,
      agents: ['ezra'],
      ports: ['kapnetd'],
      generation: 1,
      inFlight: () => undefined,
      retryAfterMs: 30_000,
    }),
    maxEnvelopeBytes: 16 * 1024,
    peerRatePerSecond: 1_000_000,
    ofStranger: () => undefined,
  })
})

afterAll(async () => {
  await store.close()
  rmSync(folder, { recursive: true, force: true })
})

const filters = inboxSources({ me, roads: ['public', 'nip44'], trusted: [keyNamed('alpha'), keyNamed('gamma')] }).map(
  (source) => source.filter,
)

/** As a relay's frame would bring it. */
const offer = async (raw: unknown): Promise<void> => {
  const from = { url: RELAY, filters: () => filters }
  const event = gate.cheap({ raw, bytes: Buffer.byteLength(JSON.stringify(raw)) }, from)
  if (event === undefined) return
  const proved = await gate.prove([event], from)
  await intake(await Promise.all(proved.map((e) => gate.open(e, from))))
}

const isObject = (value: JsonValue): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The event of an offer: signed whatever it says, so that more is reached than the check of its signature. */
const made = async (o: Offered): Promise<unknown> => {
  const signer = signers[o.author]
  let content = o.content
  if (o.attest !== 'as it is' && isObject(content) && isBodyType(content.type)) {
    const type = content.type
    content = { ...content }
    delete content.attestation
    if (o.attest === 'anew' && typeof content.sha256 === 'string') {
      const template = attestationTemplate(type, content.sha256, reference.now as UnixSec)
      // The author whom the vectors name, so that it is often the right one.
      content = { ...content, attestation: { ...attestationOf(await signers.alpha.signEvent(template)) } }
    }
  }
  const text = o.text ?? JSON.stringify(content)
  const sealed = o.sealed && o.to !== undefined && text !== '' && Buffer.byteLength(text) < 65_536
  const id = isObject(content) && content.type === 'ksp-service' ? content.id : undefined
  const info = typeof id === 'string' ? [['d', `ksp-service:${id}`]] : []
  const tags = [
    ...(sealed ? [['d', `enc-${'0'.repeat(32)}`]] : info),
    ['t', 'kapnet'],
    ...(info.length > 0 ? [['t', 'ksp-service']] : []),
    ...(o.to === undefined ? [] : [['p', o.to]]),
    ...(sealed ? [] : o.moreTags),
  ]
  const event = await signer.signEvent({
    kind: 30_078,
    created_at: o.created_at as UnixSec,
    tags,
    content: sealed ? await signer.nip44Encrypt(o.to, text) : text,
  })
  const { spoil } = o
  const plain = JSON.parse(JSON.stringify(event)) as JsonValue
  return spoil === undefined ? plain : mutate(plain, spoil.path, spoil.change, spoil.how)
}

const sum = (numbers: Record<string, number>): number => Object.values(numbers).reduce((a, b) => a + b, 0)

const checkOffer = async (raw: unknown): Promise<void> => {
  const before = takenBy({ braid })
  const counted = tally.read()

  await offer(raw)

  const after = takenBy({ braid })
  const { refusals, counts } = tally.read()
  const refused = sum(refusals) - sum(counted.refusals)
  const taken = counts.taken - counted.counts.taken
  expect(refused + taken).toBeLessThanOrEqual(1)
  expect(after.messages - before.messages).toBe(taken)
  if (refused === 1) expect({ ...after, answers: 0 }).toEqual({ ...before, answers: 0 })

  await offer(raw)

  expect(takenBy({ braid })).toEqual(after)
}

describe('a receiver', () => {
  it('takes or refuses any JSON that comes for an event', async () => {
    const almost = fc.record(
      {
        id: fc.oneof(fc.constant('0'.repeat(64)), fc.jsonValue()),
        pubkey: fc.oneof(fc.constant(keyNamed('alpha')), fc.jsonValue()),
        created_at: fc.oneof(fc.nat(), fc.jsonValue()),
        kind: fc.oneof(fc.constant(30_078), fc.jsonValue()),
        tags: fc.oneof(fc.constant([['p', me]]), fc.jsonValue()),
        content: fc.oneof(fc.json(), fc.jsonValue()),
        sig: fc.oneof(fc.constant('0'.repeat(128)), fc.jsonValue()),
      },
      { requiredKeys: [] },
    )
    await fc.assert(fc.asyncProperty(fc.oneof(fc.jsonValue(), almost), checkOffer), {
      numRuns: 300,
      endOnFailure: true,
    })
  })

  it('takes or refuses a signed event around any content, and nothing of what it refuses stays', async () => {
    await fc.assert(
      fc.asyncProperty(offered, async (o) => checkOffer(await made(o))),
      { numRuns: 1_000, endOnFailure: true },
    )

    // Without these it could hold because all was refused alike at the door.
    const { refusals, counts } = tally.read()
    const seen = Object.entries(refusals).flatMap(([code, count]) => (count > 0 ? [code] : []))
    expect(counts.taken).toBeGreaterThan(20)
    expect(seen).toEqual(
      expect.arrayContaining([
        'bad-event',
        'bad-signature',
        'bad-json',
        'bad-schema',
        'not-addressed',
        'untrusted-sender',
      ]),
    )
  })

  it('holds only what its authors hashed, and a braid that is whole', () => {
    const findings = [...store.verify(nodeHashes, (proof) => engine.verify(proof))].filter((s) => s.kind === 'finding')
    expect(findings).toEqual([])
    const ids = store.inbox({ limit: 10_000 }).map((line) => line.id)
    expect(ids.length).toBeGreaterThan(10)
    for (const id of ids) {
      const { body } = store.load(id)!
      expect(nodeHashes.sha256Hex(body)).toBe(id)
      expect(canonical(JSON.parse(body) as JsonValue)).toBe(body)
    }
  })
})

describe('the KAP-010 form of a TXXM that was accepted', () => {
  it('comes back equal from its bytes, or there is none', () => {
    let written = 0
    fc.assert(
      fc.property(mutated, fc.uint8Array({ minLength: 64, maxLength: 64 }), (content, sig) => {
        const read = readContent(JSON.stringify(content), nodeHashes)
        if (!read.ok || read.value.type !== 'txxm-envelope') return
        const fields = toKap(JSON.parse(read.value.bodyText) as Txxm, nodeHashes)
        if (!fields.ok) {
          expect(fields.refusal.code).toBe('bad-schema')
          return
        }
        const txxm = { ...fields.value, signature: Buffer.from(sig).toString('hex') }
        const bytes = encodeKapTxxm(txxm)
        const decoded = decodeKapTxxm(bytes)
        expect(decoded).toEqual({ ok: true, value: txxm })
        expect(decoded.ok && Buffer.from(encodeKapTxxm(decoded.value)).equals(bytes)).toBe(true)
        // The id is of what is signed and of the signature; the body alone gives what is signed.
        expect(kapObjectId(bytes, nodeHashes)).toMatch(/^[0-9a-f]{64}$/)
        expect(decoded.ok && Buffer.from(kapPreimage(decoded.value)).equals(kapPreimage(fields.value))).toBe(true)
        written++
      }),
      { numRuns: 3_000 },
    )
    expect(written).toBeGreaterThan(100)
  })
})
