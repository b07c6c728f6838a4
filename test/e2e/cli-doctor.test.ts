import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect, createServer as createTcpServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, it } from 'vitest'
import { startKsp, type Child } from '../../src/ops/child.js'
import { eventually } from '../support/eventually.js'

/** `ksp doctor` as a person or a script gets to see it. */

const home = mkdtempSync(join(tmpdir(), 'ksp-doctor-'))
const clean = { HOME: home, KSP_CONFIG: '', KSP_RELAYS: '', XDG_RUNTIME_DIR: '', CREDENTIALS_DIRECTORY: '' }
const children: Child[] = []
const closers: (() => void)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) close()
  for (const child of children.splice(0)) await child.stop()
})
afterAll(() => rmSync(home, { recursive: true, force: true }))

interface Finding {
  readonly check: string
  readonly state: 'ok' | 'warn' | 'fail'
  readonly found: string
  readonly advice?: string
}
interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

const ksp = async (...args: string[]): Promise<Ended> => {
  const running = startKsp(args, { cwd: home, env: clean })
  const { code } = await running.ended
  return { code, out: running.out.join('\n'), err: running.err.join('\n') }
}
const doctor = async (
  ...args: string[]
): Promise<{ code: number | null; ok: boolean; of: (check: string) => Finding }> => {
  const { code, out, err } = await ksp('doctor', '--json', ...args)
  expect(err).toBe('')
  const { ok, checks } = JSON.parse(out) as { ok: boolean; checks: Finding[] }
  const of = (check: string): Finding => {
    const [found, other] = checks.filter((finding) => finding.check === check)
    if (found === undefined || other !== undefined) throw new Error(`not one finding of ${check}: ${out}`)
    return found
  }
  return { code, ok, of }
}

let herms = 0
const initHerm = async (...relays: string[]): Promise<{ dir: string; config: string }> => {
  const dir = join(home, `herm-${++herms}`)
  const flags = relays.flatMap((relay) => ['--relay', relay])
  expect((await ksp('init', dir, '--id', 'herm-a', ...flags, '--yes')).code).toBe(0)
  return { dir, config: join(dir, 'ksp.yaml') }
}
const startRelay = async (): Promise<string> => {
  const child = startKsp(['relay', '--listen', '127.0.0.1:0', '--db', ':memory:', '--name', 'a relay'])
  children.push(child)
  return (await child.line(/^ready /)).split(' ')[1] ?? ''
}

it('finds nothing wrong with a new Herm and a relay that runs, and says so in one line a check', async () => {
  const { config } = await initHerm(await startRelay())

  const { code, out } = await ksp('doctor', '--config', config)

  const lines = out.split('\n')
  expect(lines.at(-1)).toBe('nothing failed')
  expect(code).toBe(0)
  expect(lines.slice(0, -1).map((line) => line.split(/ +/)[1])).toEqual([
    ...['node', 'sqlite', 'crypto', 'config', 'keystore', 'data', 'disk', 'store', 'bridge', 'relay', 'clock'],
  ])
  expect(out).toMatch(/^ok {4}relay +ws:\/\/127\.0\.0\.1:\d+ answers in \d+ ms: a relay, NIPs 1 9 /m)
  expect(out).toMatch(/^\w+ +crypto +signatures by (native|wasm|js)/m)
})

it('changes nothing: no file is made, none is touched', async () => {
  const { dir, config } = await initHerm('ws://127.0.0.1:1')
  const before = statSync(dir).mtimeMs

  await ksp('doctor', '--config', config)

  expect(statSync(dir).mtimeMs).toBe(before)
})

it('fails for a relay that can not be reached, and says what to do', async () => {
  const { config } = await initHerm('ws://127.0.0.1:1')

  const { code, ok, of } = await doctor('--config', config)

  expect([code, ok]).toEqual([1, false])
  expect(of('relay')).toMatchObject({ state: 'fail', found: expect.stringContaining('ECONNREFUSED') as string })
  expect(of('relay').advice).toMatch(/firewall/)
})

it('waits for a relay that never answers no longer than it was told to', async () => {
  const silent = createServer(() => undefined)
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', () => resolve()))
  closers.push(() => {
    silent.closeAllConnections()
    silent.close()
  })
  silent.on('upgrade', () => undefined)
  const { config } = await initHerm(`ws://127.0.0.1:${(silent.address() as AddressInfo).port}`)

  const { code, of } = await doctor('--config', config, '--timeout', '0.3')

  expect(code).toBe(1)
  expect(of('relay').found).toMatch(/timed out/)
})

it('doubts what opens a WebSocket and tells nothing of itself', async () => {
  const { WebSocketServer } = await import('ws')
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await new Promise<void>((resolve) => server.once('listening', () => resolve()))
  closers.push(() => server.close())
  const { config } = await initHerm(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`)

  const { code, of } = await doctor('--config', config)

  expect(code).toBe(0)
  expect(of('relay')).toMatchObject({ state: 'warn', advice: 'it may be no Nostr relay (NIP-11)' })
})

it('names the first mistake of a configuration, and checks the machine all the same', async () => {
  const { config } = await initHerm('ws://127.0.0.1:1')
  writeFileSync(config, `${readFileSync(config, 'utf8')}\nnonsense: 1\n`)

  const { code, of } = await doctor('--config', config)

  expect(code).toBe(1)
  expect(of('config')).toMatchObject({ state: 'fail', found: expect.stringContaining('nonsense') as string })
  expect(of('node').state).toBe('ok')
  expect(of('clock').state).toBe('ok')
})

it('says where to begin when there is no configuration', async () => {
  const { code, of } = await doctor('--config', join(home, 'nowhere.yaml'))

  expect(code).toBe(1)
  expect(of('config').state).toBe('fail')
  expect(of('config').advice).toMatch(/ksp init/)
})

it('fails for a keystore that others can read or that is not there, and doubts such a data folder', async () => {
  const { dir, config } = await initHerm(await startRelay())
  const keystore = join(dir, 'keystore.json')
  const shown = JSON.parse((await ksp('config', 'show', '--json', '--config', config)).out) as { dataDir: string }
  mkdirSync(shown.dataDir, { recursive: true })
  chmodSync(shown.dataDir, 0o755)
  chmodSync(keystore, 0o644)

  const open = await doctor('--config', config)
  rmSync(keystore)
  const gone = await doctor('--config', config)

  expect(open.of('keystore')).toMatchObject({ state: 'fail', advice: `run: chmod 600 ${keystore}` })
  expect(open.of('data')).toMatchObject({ state: 'warn', advice: `run: chmod 700 ${shown.dataDir}` })
  expect(gone.of('keystore')).toMatchObject({ state: 'fail', found: `there is none at ${keystore}` })
})

it('reads beside a running bridge, and asks its private relay', async () => {
  const { dir, config } = await initHerm()
  const listen = createServer()
  await new Promise<void>((resolve) => listen.listen(0, '127.0.0.1', () => resolve()))
  const { port } = listen.address() as AddressInfo
  await new Promise<void>((resolve) => listen.close(() => resolve()))
  writeFileSync(config, readFileSync(config, 'utf8').replace(/127\.0\.0\.1:7447/, `127.0.0.1:${port}`))
  const before = await doctor('--config', config)
  const bridge = startKsp(['run', '--config', config, '--passphrase-file', join(dir, 'passphrase')], { env: clean })
  children.push(bridge)
  await bridge.line(/^ready/)
  await eventually(
    'the private relay to start',
    () => bridge.err.join('\n'),
    (log) => log.includes('private-relay.started'),
  )

  const during = await doctor('--config', config)

  expect(before.of('private-relay').found).toMatch(/which does not run/)
  expect(before.of('bridge').found).toMatch(/^not running/)
  expect(during.of('bridge').found).toMatch(/^running as \d+ /)
  expect(during.of('store')).toMatchObject({ state: 'ok', found: expect.stringMatching(/schema \d+/) as string })
  expect(during.of('private-relay')).toMatchObject({ state: 'ok' })
  expect(during.code).toBe(0)
})

it('doubts a relay that answers, and refuses the key of the bridge: it does not know the URL of its proxy', async () => {
  const { port: behind } = new URL(await startRelay())
  const proxy = createTcpServer((socket) => {
    const relay = connect(Number(behind), '127.0.0.1')
    for (const [from, to] of [
      [socket, relay],
      [relay, socket],
    ] as const) {
      from.pipe(to)
      from.on('error', () => to.destroy())
    }
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', () => resolve()))
  closers.push(() => proxy.close())
  const { dir, config } = await initHerm(`ws://127.0.0.1:${(proxy.address() as AddressInfo).port}`)
  const bridge = startKsp(['run', '--config', config, '--passphrase-file', join(dir, 'passphrase')], { env: clean })
  children.push(bridge)
  await eventually(
    'the AUTH to be refused',
    () => bridge.err.join('\n'),
    (log) => log.includes('relay.auth-refused'),
  )

  const { of, code } = await doctor('--config', config)

  expect(of('relay')).toMatchObject({ state: 'warn', advice: expect.stringContaining('--public-url') as string })
  expect(of('relay').found).toContain('AUTH refused: invalid: the relay tag is not a URL of this relay')
  expect((await ksp('status', '--config', config)).out).toContain('AUTH refused: ')
  expect(code).toBe(0)
})

it('fails for a store that is no database of ours', async () => {
  const { config } = await initHerm(await startRelay())
  const { dataDir } = JSON.parse((await ksp('config', 'show', '--json', '--config', config)).out) as { dataDir: string }
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  writeFileSync(join(dataDir, 'braid.sqlite'), 'no database'.repeat(1_000), { mode: 0o600 })

  const { code, of } = await doctor('--config', config)

  expect(code).toBe(1)
  expect(of('store')).toMatchObject({ state: 'fail', found: expect.stringContaining('does not open') as string })
})

it('takes no timeout that is none', async () => {
  const { code, out } = await ksp('doctor', '--timeout', 'soon', '--json')

  expect(code).toBe(2)
  expect(out).toContain('--timeout needs a number of seconds')
})
