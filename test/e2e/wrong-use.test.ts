import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { startKsp, type Child } from '../../src/ops/child.js'

/** What an operator sees when the surroundings are not there. A wrong file or passphrase: cli-config.test.ts. */
const folder = mkdtempSync(join(tmpdir(), 'ksp-wrong-use-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const NOBODY = 'ws://127.0.0.1:9'

const makeHerm = async (name: string, yaml: string): Promise<string> => {
  const dir = join(folder, name)
  const init = startKsp(['init', dir, '--id', name, '--relay', NOBODY, '--yes'])
  expect((await init.ended).code).toBe(0)
  const config = join(dir, 'ksp.yaml')
  const text = readFileSync(config, 'utf8').replace(/^local:\n(?: .*\n|\n)*/m, '')
  writeFileSync(config, `${text}\n${yaml}\n`, { mode: 0o600 })
  return config
}

/** Resolves with the first line of its log that tells of this event. */
const logged = async (child: Child, event: string): Promise<Record<string, unknown>> => {
  for (;;) {
    const line = child.err.find((l) => l.includes(`"${event}"`))
    if (line !== undefined) return JSON.parse(line) as Record<string, unknown>
    if (child.process.exitCode !== null) throw new Error(`it ended and never logged ${event}: ${child.err.join('\n')}`)
    await new Promise((resolve) => child.process.stderr?.once('data', resolve))
  }
}

test('a bridge whose relay and kapnetd are dead runs, says once of each what to do, and shows both as down', async () => {
  const config = await makeHerm('herm-lonely', 'local: { kapnetd: { socket: nothere.sock } }')
  const bridge = startKsp(['run', '--config', config])
  await bridge.line(/^ready$/)

  const relay = await logged(bridge, 'relay.down')
  const kapnetd = await logged(bridge, 'kapnetd.down')
  const status = startKsp(['status', '--json', '--config', config])
  const { code } = await status.ended
  const shown = JSON.parse(status.out[0] ?? '{}') as { relays: { state: string }[]; ports: { state: string }[] }
  const stopped = await bridge.stop()

  expect(relay).toMatchObject({
    relay: NOBODY,
    reason: expect.stringContaining('ECONNREFUSED'),
    hint: expect.stringContaining('relays in ksp.yaml'),
  })
  expect(kapnetd).toMatchObject({
    reason: expect.stringContaining('nothere.sock'),
    hint: expect.stringContaining('start kapnetd'),
  })
  expect(bridge.err.filter((l) => l.includes('"relay.down"'))).toHaveLength(1)
  expect(code).toBe(0)
  expect(shown.relays.map((r) => r.state)).not.toContain('open')
  expect(shown.ports.map((p) => p.state)).not.toContain('open')
  expect(stopped.code).toBe(0)
})

test('without a bridge, send ends with 1 and says how to start one; with --json as an object', async () => {
  const config = await makeHerm('herm-off', '')
  const args = ['send', '--to', 'herm-b', '--action', 'room.post', '--config', config]
  const plain = startKsp(args)
  const json = startKsp([...args, '--json'])

  expect((await plain.ended).code).toBe(1)
  expect((await json.ended).code).toBe(1)
  expect(plain.err.join('\n')).toMatch(/no bridge runs on .*ksp run --config/)
  expect(JSON.parse(json.out.join('')) as unknown).toMatchObject({
    error: { code: 'not-running', hint: expect.stringContaining('ksp run') },
  })
})

test('the two-system test against a dead kapnetd names the socket and what to do, and ends with 1', async () => {
  const config = await makeHerm('herm-half', 'local: { kapnetd: { socket: nothere.sock } }')
  const bridge = startKsp(['run', '--config', config])
  await bridge.line(/^ready$/)

  const proof = startKsp(['test', 'two-system', '--role', 'a', '--peer', 'herm-b', '--config', config])
  const { code } = await proof.ended
  await bridge.stop()

  expect(code).toBe(1)
  expect(proof.err.join('\n')).toMatch(/no kapnetd answers on .*nothere\.sock[^]*local\.kapnetd\.socket/)
})

test('publishing an identity to a dead relay says per event that nothing was accepted, and ends with 1', async () => {
  const config = await makeHerm('herm-mute', '')
  const publish = startKsp(['identity', 'publish', '--config', config, '--json'])

  expect((await publish.ended).code).toBe(1)
  expect(publish.out.join('\n')).toContain('ECONNREFUSED')
})

test('a peer that nobody knows is named in the refusal, and nothing is queued', async () => {
  const config = await makeHerm('herm-alone', '')
  const bridge = startKsp(['run', '--config', config])
  await bridge.line(/^ready$/)

  const send = startKsp(['send', '--to', 'herm-nobody', '--action', 'room.post', '--config', config])
  const { code } = await send.ended
  await bridge.stop()

  expect(code).toBe(1)
  expect(send.err.join('\n')).toMatch(/no trusted peer has the Herm id herm-nobody[^]*nothing was queued/)
})

test('an interrupted proof on one machine ends with 130 and leaves no folder with keys, also while it still makes them', async () => {
  const tmp = join(folder, 'interrupted')
  mkdirSync(tmp)
  const seen = watch(tmp)
  const proof = startKsp(['test', 'two-system', '--role', 'both'], { env: { TMPDIR: tmp } })
  await once(seen, 'change')
  seen.close()

  const { code } = await proof.stop('SIGINT')

  expect(code).toBe(130)
  expect(readdirSync(tmp)).toEqual([])
})
