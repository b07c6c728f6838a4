import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import NDK, { NDKEvent, NDKRelayStatus, NDKKind } from '@nostr-dev-kit/ndk'
import * as nip44 from 'nostr-tools/nip44'
import { generateSecretKey, getPublicKey, verifyEvent } from 'nostr-tools/pure'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { makeMesh, writeConfig, type HermPart, type Mesh } from '../../src/cli/two-system/mesh.js'
import { npubOf } from '../../src/core/nodeinfo.js'
import type { JsonObject, NostrEvent, Pubkey } from '../../src/core/types.js'
import { openKeystore } from '../../src/identity/keystore.js'
import { startChild } from '../../src/ops/child.js'
import { daemon } from '../support/daemon.js'
import { eventually } from '../support/eventually.js'
import { hermsIn, relayIn, startAll, tempDir } from '../support/mesh-of.js'
import { connectClient } from '../support/relay-client.js'
import { ask, ksp, send } from '../support/running-herm.js'

const isDone = async (herm: HermPart, ...ids: string[]): Promise<void> => {
  const waited = (await ask(herm, 'wait', { ids, stage: 'done', timeout_ms: 40_000 })) as { reached: boolean }[]
  expect(waited.map((w) => w.reached)).toEqual(ids.map(() => true))
}

const dOf = (event: NostrEvent): string => event.tags.find(([name]) => name === 'd')?.[1] ?? ''
/** Nostr-tools writes its verdict on the object that it was given, so it gets one of its own. */
const isVerified = (event: object): boolean =>
  verifyEvent(JSON.parse(JSON.stringify(event)) as Parameters<typeof verifyEvent>[0])
const contentOf = (event: { content: string }): JsonObject => JSON.parse(event.content) as JsonObject

describe('foreign software reads what the bridges publish', () => {
  let mesh: Mesh
  let sealed: string
  let clear: string
  let gossip: string
  /** Everything that the relay has, read by a client that knows no more than NIP-01. */
  let events: NostrEvent[]

  beforeAll(async () => {
    mesh = await makeMesh(mkdtempSync(join(tmpdir(), 'ksp-e2e-')))
    const { a, b, relay } = mesh
    await startAll([a, b])
    sealed = await send(a, { to: [b.id], key: 'sealed', payload: { text: 'sealed \u0001 "\\" 世界' } })
    clear = await send(a, { to: [b.id], key: 'clear', payload: { text: 'clear \u0001 "\\" 世界' }, public: true })
    const args = ['--kor', 'sys.pluronymous.org', '--action', 'room.post', '--payload', '{"n":1e21}', '--public']
    gossip = await ksp(a, 'send', ...args)
    await isDone(a, sealed, clear)
    await eventually(
      'the gossip is at the other daemon',
      () => daemon(b, 'braid'),
      (braid) => braid['count'] === 3,
    )
    const client = await connectClient(relay.url)
    events = await eventually(
      'both Herms are advertised',
      () => client.stored({}),
      (all) => all.filter((e) => dOf(e).startsWith('ksp-service:')).length === 2,
    )
    await client.close()
  })
  afterAll(() => mesh.close())

  const of = (herm: HermPart, start: string): NostrEvent[] =>
    events.filter((e) => e.pubkey === herm.key && dOf(e).startsWith(start))

  it('nostr-tools verifies every event, of every sort', () => {
    const { a, b } = mesh
    const sorts = {
      'node-info': [...of(a, 'ksp-service:'), ...of(b, 'ksp-service:')],
      'public TXXM': of(a, `txxm-${clear}-`),
      gossip: of(a, `txxm-${gossip}`),
      'sealed TXXM': of(a, 'enc-'),
      'sealed receipt': of(b, 'enc-'),
      'public receipt': of(b, 'receipt-'),
    }

    for (const [sort, found] of Object.entries(sorts)) expect(found.length, sort).toBeGreaterThan(0)
    // Nothing is there but these.
    expect(Object.values(sorts).flat().length).toBe(events.length)
    for (const event of events) {
      expect(isVerified(event), JSON.stringify(event)).toBe(true)
      expect(event.kind).toBe(30_078)
    }
  })

  it('nostr-tools opens what is sealed, and verifies the attestation in it', () => {
    const { a, b } = mesh
    const passphrase = readFileSync(join(b.dir, 'passphrase'), 'utf8').trim()
    const secret = openKeystore(join(b.dir, 'keystore.json')).unlock(b.id, passphrase)
    const key = nip44.getConversationKey(secret, a.key)

    const opened = of(a, 'enc-').map((e) => JSON.parse(nip44.decrypt(e.content, key)) as JsonObject)
    const receipts = of(b, 'enc-').map((e) => JSON.parse(nip44.decrypt(e.content, key)) as JsonObject)

    expect(new Set(opened.map((c) => c['sha256']))).toEqual(new Set([sealed]))
    expect(receipts.every((c) => c['type'] === 'receipt' && c['attestation'] === undefined)).toBe(true)
    for (const content of [...opened, ...of(a, 'txxm-').map(contentOf)]) {
      const attestation = content['attestation'] as JsonObject
      expect(attestation['pubkey']).toBe(a.key)
      expect(isAttested(content['sha256'] as string, attestation)).toBe(true)
      expect(isAttested('0'.repeat(64), attestation)).toBe(false)
    }
  })

  it('NDK finds the Herms by their tag, and reads their messages', async () => {
    const { a, b, relay } = mesh
    const ndk = await startNdk(relay.url)

    const infos = [
      ...(await ndk.guardrailOff().fetchEvents({ kinds: [NDKKind.AppSpecificData], '#t': ['ksp-service'] })),
    ]
    const messages = [...(await ndk.guardrailOff().fetchEvents({ kinds: [NDKKind.AppSpecificData], '#t': ['txxm'] }))]
    const toB = [...(await ndk.guardrailOff().fetchEvents({ kinds: [NDKKind.AppSpecificData], '#p': [b.key] }))]

    expect(infos.map((e) => e.pubkey).toSorted()).toEqual([a.key, b.key].toSorted())
    for (const event of infos) {
      const info = contentOf(event)
      expect(info).toMatchObject({ type: 'ksp-service', npub: event.author.npub, status: 'active' })
      expect(event.dTag).toBe(`ksp-service:${info['id'] as string}`)
      expect(event.getMatchingTags('l').map(([, name]) => name)).toEqual(info['kor_namespaces'])
    }
    expect(messages.map((e) => e.tagValue('id')).toSorted()).toEqual([clear, gossip].toSorted())
    expect(messages.map((e) => (contentOf(e)['txxm'] as JsonObject)['sender'])).toEqual([a.key, a.key])
    expect(toB.map((e) => e.dTag?.slice(0, 5)).toSorted()).toEqual(
      ['enc-', 'txxm-'].map((d) => expect.stringContaining(d) as string),
    )
    for (const event of [...infos, ...messages, ...toB]) expect(event.verifySignature(false)).toBe(true)
  })

  it('NDK hears a new message live', async () => {
    const { a, b, relay } = mesh
    const ndk = await startNdk(relay.url)
    const heard: NDKEvent[] = []
    const eose = new Promise<void>((resolve) => {
      ndk.subscribe(
        { kinds: [NDKKind.AppSpecificData], '#p': [b.key], '#t': ['txxm'] },
        { closeOnEose: false },
        { onEvent: (e) => heard.push(e), onEose: () => resolve() },
      )
    })
    await eose

    const id = await send(a, { to: [b.id], key: 'live', public: true })

    await eventually(
      'NDK has heard it',
      () => heard.map((e) => e.tagValue('id')),
      (ids) => ids.includes(id),
    )
  })
})

/** wire.md 2: the event that an attestation signs, built by hand. */
const isAttested = (sha256: string, { pubkey, created_at, sig }: JsonObject): boolean => {
  const event = new NDKEvent(undefined, {
    kind: 78,
    pubkey: pubkey as string,
    created_at: created_at as number,
    tags: [
      ['t', 'kapnet'],
      ['t', 'attestation'],
      ['k', 'txxm-envelope'],
      ['x', sha256],
    ],
    content: '',
    sig: sig as string,
  })
  return verifyEvent({ ...event.rawEvent(), id: event.getEventHash(), sig: sig as string })
}

const startNdk = async (url: string): Promise<NDK> => {
  // Node 20 has none of its own, and NDK takes what is there.
  ;(globalThis as { WebSocket?: unknown }).WebSocket ??= WebSocket
  const ndk = new NDK({ explicitRelayUrls: [url], enableOutboxModel: false })
  // NDK samples signatures by default.
  ndk.initialValidationRatio = 1
  ndk.lowestValidationRatio = 1
  await ndk.connect(10_000)
  onTestFinished(() => {
    for (const relay of ndk.pool.relays.values()) relay.disconnect()
  })
  await eventually(
    'NDK is connected',
    () => [...ndk.pool.relays.values()].map((r) => r.status),
    (states) => states.length === 1 && states.every((s) => s >= NDKRelayStatus.CONNECTED),
  )
  return ndk
}

describe('a foreign Herm that shares no code with ours', () => {
  const program = fileURLToPath(new URL('../support/foreign-sender.mjs', import.meta.url))

  for (const road of ['public', 'nip44'] as const) {
    it(`is understood on the ${road} road, and understands our receipts and our TXXM`, async () => {
      const dir = tempDir()
      const relay = await relayIn(dir)
      const [b] = (await hermsIn(dir, [relay.url], [{ id: 'herm-qubes-beta' }])) as [HermPart]
      const secret = generateSecretKey()
      const key = getPublicKey(secret) as Pubkey
      const id = 'mkctp-foreign'
      const settings = { id: b.id, relays: [relay.url] }
      writeConfig(b, settings, [{ npub: npubOf(key), id, kor: ['sys.pluronymous.org'] }])
      // Without a daemon to deliver to it can be stored, and is not done.
      await b.bridge.start()

      const foreign = startChild(program, ['--relay', relay.url, '--to', b.key, '--road', road, '--id', id], {
        env: { FOREIGN_SECRET: Buffer.from(secret).toString('hex') },
      })
      onTestFinished(() => foreign.stop().then(() => undefined))
      const said = async (pattern: RegExp): Promise<JsonObject> => JSON.parse(await foreign.line(pattern)) as JsonObject
      const { sent } = await said(/^\{"sent"/)
      expect(await said(/"stage":"stored"/)).toEqual({ receipt: { stage: 'stored', braid: true } })
      await b.kapnetd.start()
      expect(await said(/"stage":"done"/)).toEqual({ receipt: { stage: 'done', braid: true } })

      expect(await daemon(b, 'get_txxm', { txxm_id: sent ?? '' })).toMatchObject({
        origin: 'bridge',
        txxm: { sender: key, audience: [b.key], payload: { text: 'Grüße aus einem anderen Programm ✓ "\\"' } },
      })
      const inbox = JSON.parse(await ksp(b, 'inbox', '--json')) as JsonObject
      expect(inbox).toMatchObject({ id: sent, author: key, road, stage: 'done', rejected: false })

      const back = await send(b, { to: [id], key: 'back', payload: { text: 'and back' }, public: road === 'public' })
      expect(await said(/^\{"took"/)).toEqual({ took: back, payload: { text: 'and back' } })
      await isDone(b, back)
      expect(await foreign.ended, foreign.err.join('\n')).toEqual({ code: 0, signal: null })
    })
  }
})
