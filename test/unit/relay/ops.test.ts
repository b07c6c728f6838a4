import { once } from 'node:events'
import { beforeAll, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { startRelay, type Relay, type RelayOptions } from '../../../relay/index.js'
import { openEngine } from '../../../src/crypto/engine.js'
import { testFolder } from '../../support/relay-store.js'
import { authorOf, type Author } from '../../support/signed.js'
import { testRelays } from '../../support/test-relays.js'

/** What the metrics of a relay at work say. */

let alice: Author
let bob: Author
const relays = testRelays()
const { connect } = relays
const folder = testFolder()

beforeAll(async () => {
  const engine = await openEngine()
  ;[alice, bob] = [authorOf(engine, 'alice'), authorOf(engine, 'bob')]
})
const start = (over: Partial<RelayOptions> = {}): Promise<Relay> =>
  relays.start({ db: `${folder()}/relay.sqlite`, metrics: { host: '127.0.0.1', port: 0 }, ...over })
const read = async (relay: Relay, path = '/metrics'): Promise<string> =>
  (await fetch(`${relay.metricsUrl ?? ''}${path}`)).text()
/** The number of one line of the metrics. */
const valueOf = (text: string, line: string): number =>
  Number(
    text
      .split('\n')
      .find((l) => l.startsWith(`${line} `))
      ?.slice(line.length),
  )
const now = Math.floor(Date.now() / 1000)

it('counts what clients sent, and how it was answered', async () => {
  const relay = await start()
  const client = await connect(relay)
  const event = alice.sign({ created_at: now as never })
  await client.publish(event)
  await client.publish(event)
  await client.publish({ ...event, content: 'forged' })
  await client.publish(alice.sign({ kind: 20_001, created_at: now as never }))
  const other = bob.sign({ created_at: now as never })
  await client.publish({ ...other, sig: event.sig })
  client.send('COUNT', 'c', {})
  await client.take('COUNT', 'c')
  client.send('REQ', 'mine', { kinds: [1059] })
  await client.take('CLOSED', 'mine')
  client.sendText('no JSON')
  await client.take('NOTICE')
  await client.stored({})

  const text = await read(relay)

  const values = Object.fromEntries(
    [
      'ksp_relay_events_received_total',
      'ksp_relay_events_accepted_total',
      'ksp_relay_events_duplicate_total',
      'ksp_relay_events_refused_total{prefix="invalid"}',
      'ksp_relay_events_refused_total{prefix="mute"}',
      'ksp_relay_signatures_failed_total',
      'ksp_relay_commit_seconds_count',
      'ksp_relay_count_total',
      'ksp_relay_req_total',
      'ksp_relay_req_refused_total{prefix="auth-required"}',
      'ksp_relay_messages_refused_total',
      'ksp_relay_events_sent_total{from="stored"}',
      'ksp_relay_events_stored',
      'ksp_relay_clients',
      'ksp_relay_writable',
    ].map((line) => [line.replace('ksp_relay_', ''), valueOf(text, line)]),
  )
  expect(values).toEqual({
    events_received_total: 5,
    events_accepted_total: 1,
    events_duplicate_total: 1,
    'events_refused_total{prefix="invalid"}': 2,
    'events_refused_total{prefix="mute"}': 1,
    signatures_failed_total: 1,
    commit_seconds_count: 1,
    count_total: 1,
    req_total: 2,
    'req_refused_total{prefix="auth-required"}': 1,
    messages_refused_total: 1,
    'events_sent_total{from="stored"}': 1,
    events_stored: 1,
    clients: 1,
    writable: 1,
  })
  expect(valueOf(text, 'ksp_relay_bytes_total{direction="received"}')).toBeGreaterThan(1_000)
  expect(valueOf(text, 'ksp_relay_file_bytes{file="database"}')).toBeGreaterThan(1_000)
})

it('counts what goes out to those who listen, and who was proved', async () => {
  const relay = await start()
  const [reader, writer] = [await connect(relay), await connect(relay)]
  await reader.authenticate(bob)
  reader.send('REQ', 'live', {})
  await reader.take('EOSE', 'live')
  await writer.publish(alice.sign({ created_at: now as never }))
  await writer.publish(alice.sign({ kind: 20_001, created_at: now as never }))
  await reader.take('EVENT', 'live')
  await reader.take('EVENT', 'live')

  const text = await read(relay)

  expect(valueOf(text, 'ksp_relay_auth_total')).toBe(1)
  expect(valueOf(text, 'ksp_relay_subscriptions')).toBe(1)
  expect(valueOf(text, 'ksp_relay_events_sent_total{from="live"}')).toBe(2)
  expect(valueOf(text, 'ksp_relay_events_ephemeral_total')).toBe(1)
  expect(valueOf(text, 'ksp_relay_clients')).toBe(2)
})

it('tells of private events no key, no id and no kind', async () => {
  const relay = await start()
  const [reader, writer] = [await connect(relay), await connect(relay)]
  await reader.authenticate(bob)
  reader.send('REQ', 'mine', { kinds: [1059] })
  await reader.take('EOSE', 'mine')
  const wrap = alice.sign({ kind: 1059, tags: [['p', bob.pubkey]], created_at: now as never })
  await writer.publish(wrap)
  await reader.take('EVENT', 'mine')

  const text = await read(relay)

  for (const secret of [wrap.id, wrap.pubkey, bob.pubkey, wrap.sig]) {
    expect(text).not.toContain(secret.slice(0, 8))
  }
  expect(text).not.toMatch(/kind|1059|pubkey|author/)
})

it('counts whom it turned away and whom it cut off, and forgets no byte of those who left', async () => {
  const relay = await start({ limits: { maxConnections: 1, maxMessageBytes: 2_000 } })
  const client = await connect(relay)
  const second = new WebSocket(relay.url)
  await once(second, 'unexpected-response')
  const before = valueOf(await read(relay), 'ksp_relay_bytes_total{direction="received"}')

  client.sendText('x'.repeat(5_000))
  await client.closed
  const text = await read(relay)

  expect(valueOf(text, 'ksp_relay_clients_turned_away_total{reason="full"}')).toBe(1)
  expect(valueOf(text, 'ksp_relay_clients_cut_off_total{reason="too-long"}')).toBe(1)
  expect(valueOf(text, 'ksp_relay_clients')).toBe(0)
  expect(valueOf(text, 'ksp_relay_bytes_total{direction="received"}')).toBeGreaterThan(before)
})

it('is ready when it listens, and leaves its second port when it has stopped', async () => {
  const relay = await start()

  const ready = await read(relay, '/readyz')
  await relay.close()

  expect(JSON.parse(ready)).toEqual({ ready: true, reasons: [] })
  await expect(read(relay, '/healthz')).rejects.toThrow()
})

it('has no second port unless one is asked for, and starts nothing when it can not have it', async () => {
  const plain = await relays.start()
  const db = `${folder()}/relay.sqlite`
  const metrics = { host: '0.0.0.0', port: 0 }

  const failed = startRelay({ host: '127.0.0.1', port: 0, db, metrics })

  expect(plain.metricsUrl).toBeUndefined()
  await expect(failed).rejects.toThrow(/open to other machines/)
  await expect(start({ db })).resolves.toBeDefined()
})
