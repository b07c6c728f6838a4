import { request } from 'node:http'
import { connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { exposeRelay } from '../../../relay/ops/exposition.js'
import type { Gauges } from '../../../relay/ops/exposition.js'
import { isKnownHost, isLoopback } from '../../../relay/ops/hosts.js'
import { openMeters } from '../../../relay/ops/meters.js'
import { unreadyReasons } from '../../../relay/ops/open-ops.js'
import { openOpsServer } from '../../../relay/ops/ops-server.js'
import type { OpsPlace, OpsServer } from '../../../relay/ops/ops-server.js'

/** The second port: metrics, and whether the relay is alive and ready. */

let server: OpsServer | undefined
afterEach(async () => {
  await server?.close()
  server = undefined
})

const gauges: Gauges = {
  subscriptions: () => 3,
  storedEvents: () => 42,
  fileBytes: () => ({ database: 4096, wal: undefined }),
  bufferedBytes: () => 0,
  traffic: () => ({ received: 10, sent: 20 }),
  residentBytes: () => 1,
  loopLag: () => ({ '0.5': 0 }),
  startedAtSec: 1,
}

const meters = openMeters()
let stopping = false
const start = async (place: Partial<OpsPlace> = {}): Promise<OpsServer> => {
  server = await openOpsServer(
    { host: '127.0.0.1', port: 0, ...place },
    {
      metrics: exposeRelay(meters, gauges),
      unready: () => unreadyReasons({ meters, isStopping: () => stopping }),
    },
  )
  return server
}

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

const ask = (port: number, path: string, options: { method?: string; host?: string } = {}): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { method = 'GET', host = `127.0.0.1:${port}` } = options
    const asked = request({ host: '127.0.0.1', port, path, method, headers: { host }, agent: false }, (response) => {
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (text: string) => (body += text))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }))
    })
    asked.on('error', reject)
    asked.end()
  })

describe('the second port', () => {
  it('tells the metrics in the text format', async () => {
    const { port } = await start()
    meters.events.received = 5
    meters.events.refused.pow = 2
    meters.commit.batch.observe(3)

    const { status, headers, body } = await ask(port, '/metrics')

    expect(status).toBe(200)
    expect(headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/)
    expect(headers['access-control-allow-origin']).toBeUndefined()
    expect(body).toContain('\nksp_relay_events_received_total 5\n')
    expect(body).toContain('\nksp_relay_events_refused_total{prefix="pow"} 2\n')
    expect(body).toContain('\nksp_relay_commit_batch_events_bucket{le="4"} 1\n')
    expect(body).toContain('\nksp_relay_events_stored 42\n')
    expect(body).toContain('\nksp_relay_file_bytes{file="database"} 4096\n')
    expect(body).not.toContain('file="wal"')
  })

  it('says that the process is alive, and whether the relay is ready', async () => {
    const { port } = await start()

    const alive = await ask(port, '/healthz')
    const ready = await ask(port, '/readyz')

    expect([alive.status, alive.body]).toEqual([200, 'alive\n'])
    expect([ready.status, ready.body]).toEqual([200, '{"ready":true,"reasons":[]}\n'])
  })

  it('is not ready while it stops or can not write, says why, and stays alive', async () => {
    const { port } = await start()
    stopping = true
    meters.commit.writable = false

    const ready = await ask(port, '/readyz')
    const alive = await ask(port, '/healthz')
    stopping = false
    meters.commit.writable = true

    expect(ready.status).toBe(503)
    expect(JSON.parse(ready.body)).toEqual({ ready: false, reasons: ['stopping', 'not-writable'] })
    expect(alive.status).toBe(200)
  })

  it('answers HEAD with the headers alone, other methods 405, other paths 404', async () => {
    const { port } = await start()

    const head = await ask(port, '/metrics', { method: 'HEAD' })
    const post = await ask(port, '/metrics', { method: 'POST' })
    const other = await ask(port, '/')

    expect([head.status, head.body]).toEqual([200, ''])
    expect(Number(head.headers['content-length'])).toBeGreaterThan(1_000)
    expect([post.status, post.headers['allow']]).toEqual([405, 'GET, HEAD'])
    expect(other.status).toBe(404)
  })

  it('answers no web page that had its own name point here', async () => {
    const { port } = await start({ names: ['scrape.internal'] })

    const rebound = await ask(port, '/metrics', { host: `attacker.example:${port}` })
    const named = await ask(port, '/healthz', { host: `scrape.internal:${port}` })

    expect(rebound.status).toBe(421)
    expect(rebound.body).not.toContain('ksp_relay')
    expect(named.status).toBe(200)
  })

  it('ends a connection that sends no HTTP, or headers without end', async () => {
    const { port } = await start()
    const said = await new Promise<string>((resolve) => {
      let text = ''
      const socket = connect(port, '127.0.0.1', () => socket.write(`GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n`))
      socket.on('data', (data) => (text += data.toString()))
      socket.on('error', () => undefined)
      socket.on('close', () => resolve(text))
    })

    expect(said).toBe('')
  })

  it('is opened to other machines only where that was asked for', async () => {
    await expect(start({ host: '0.0.0.0' })).rejects.toThrow(/--metrics 0\.0\.0\.0 is open to other machines/)
    const { port } = await start({ host: '0.0.0.0', isPublic: true })

    expect((await ask(port, '/healthz')).status).toBe(200)
  })

  it('says so where the port is in use', async () => {
    const { port } = await start()

    await expect(
      openOpsServer({ host: '127.0.0.1', port }, { metrics: exposeRelay(meters, gauges), unready: () => [] }),
    ).rejects.toThrow(`cannot listen on --metrics 127.0.0.1:${port}: it is in use`)
  })
})

it.each([
  ['127.0.0.1', true],
  ['127.8.8.8', true],
  ['::1', true],
  ['localhost', true],
  ['127.evil.example', false],
  ['0.0.0.0', false],
  ['::', false],
  ['10.0.0.1', false],
])('%s is loopback: %s', (host, is) => {
  expect(isLoopback(host)).toBe(is)
})

it.each([
  ['127.0.0.1:9464', true],
  ['10.1.2.3', true],
  ['[::1]:9464', true],
  ['localhost:9464', true],
  ['LocalHost', true],
  ['relay.internal:9464', true],
  ['Relay.Internal', true],
  ['attacker.example', false],
  ['localhost.attacker.example', false],
  ['127.0.0.1.attacker.example', false],
  ['[::1].attacker.example', false],
  ['a b', false],
  ['', false],
  [undefined, false],
])('a Host header %s is known: %s', (header, known) => {
  expect(isKnownHost(header, ['relay.internal'])).toBe(known)
})
