import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { startChild, type Child } from '../../src/ops/child.js'
import type { UnixSec } from '../../src/core/types.js'
import { openEngine } from '../../src/crypto/engine.js'
import { eventually } from '../support/eventually.js'
import { connectClient } from '../support/relay-client.js'
import { testFolder } from '../support/relay-store.js'
import { authorOf } from '../support/signed.js'

const program = fileURLToPath(new URL('../../dist/relay/main.js', import.meta.url))
const folder = testFolder()
const children: Child[] = []
afterEach(() => Promise.all(children.splice(0).map((child) => child.stop('SIGKILL'))))

const start = (...args: string[]): Child => {
  const child = startChild(program, args)
  children.push(child)
  return child
}

describe('the relay’s program', () => {
  it('says ready once and nothing else on stdout, logs JSON lines, and ends with 0 at SIGTERM', async () => {
    const child = start('--listen', '127.0.0.1:0', '--db', ':memory:')
    const line = await child.line(/^ready /)
    const client = await connectClient(line.slice(6))

    const { code } = await child.stop('SIGTERM')

    expect(line).toMatch(/^ready ws:\/\/127\.0\.0\.1:\d+$/)
    expect(code).toBe(0)
    expect(await client.closed).toBe(1001)
    expect(child.out).toEqual([line])
    const events = child.err.map((text) => (JSON.parse(text) as { msg: string }).msg)
    expect(events).toEqual(['relay-started', 'relay-stopped'])
  })

  it('keeps what it had over a restart, and ends with 0 at SIGINT too', async () => {
    const db = join(folder(), 'relay.sqlite')
    const event = authorOf(await openEngine(), 'alice').sign({ created_at: 1_700_000_000 as UnixSec })
    const first = start('--listen', '127.0.0.1:0', '--db', db)
    const writer = await connectClient((await first.line(/^ready /)).slice(6))
    await writer.publish(event)
    const { code } = await first.stop('SIGINT')

    const second = start('--listen', '127.0.0.1:0', '--db', db)
    const reader = await connectClient((await second.line(/^ready /)).slice(6))

    expect(code).toBe(0)
    expect(await reader.stored({ ids: [event.id] })).toEqual([event])
  })

  it('reads its files of keys again at SIGHUP', async () => {
    const engine = await openEngine()
    const [alice, bob] = [authorOf(engine, 'alice'), authorOf(engine, 'bob')]
    const keys = join(folder(), 'keys.txt')
    writeFileSync(keys, alice.pubkey)
    const child = start('--listen', '127.0.0.1:0', '--db', ':memory:', '--allow-write', keys)
    const client = await connectClient((await child.line(/^ready /)).slice(6))
    const event = bob.sign({ created_at: 1_700_000_000 as UnixSec })

    const before = await client.publish(event)
    writeFileSync(keys, `${alice.pubkey}\n${bob.pubkey}`)
    process.kill(child.pid, 'SIGHUP')
    await eventually(
      'the list is read',
      () => child.err.join(),
      (log) => log.includes('"keys":2'),
    )
    const after = await client.publish(event)

    expect([before.accepted, after.accepted]).toEqual([false, true])
  })

  it.each([
    ['an option nobody knows', ['--lissen', 'x'], "Unknown option '--lissen'"],
    ['a place that is none', ['--listen', '7447'], '--listen 7447 is not HOST:PORT'],
    ['a port that is none', ['--listen', '127.0.0.1:70000'], '--listen 127.0.0.1:70000 is not HOST:PORT'],
    ['no file', ['--db', ''], '--db needs a file'],
    ['a public URL that is none', ['--public-url', 'https://relay.example'], 'is not a ws:// or wss:// URL'],
    ['work without end', ['--min-pow', '65'], '--min-pow needs a whole number from 0 to 64'],
    ['a rate that is none', ['--rate', '-1'], '--rate'],
    ['a rate of keys that is none', ['--key-rate', 'x'], '--key-rate needs a whole number'],
    ['no file of keys', ['--allow-write='], '--allow-write needs a file'],
    ['a word too many', ['extra'], "Unexpected argument 'extra'; the verbs are import, export, backup"],
  ])('ends with 2 and one clear line at %s', async (_, args, words) => {
    const child = start(...args)

    expect((await child.ended).code).toBe(2)
    expect(child.err).toHaveLength(1)
    expect(child.err[0]).toContain(words)
    expect(child.err[0]).toContain('see ksp relay --help')
  })

  it.each([
    ['a list of keys that is not there', ['--allow-read', '/nowhere/keys.txt'], 'there is no such file: make it'],
    ['rules that contradict each other', ['--retain', '1=1d', '--retain', '1=2d'], 'correct --retain'],
    ['a second port for all the world', ['--metrics', '0.0.0.0:0'], 'choose 127.0.0.1, or add --metrics-public'],
  ])('ends with 2, so that nobody starts it again as it is, at %s', async (_, args, words) => {
    const child = start('--listen', '127.0.0.1:0', '--db', ':memory:', ...args)

    expect((await child.ended).code).toBe(2)
    expect(child.err).toEqual([expect.stringContaining(words)])
  })

  it('ends with 1 and says that its file is a folder', async () => {
    const child = start('--listen', '127.0.0.1:0', '--db', folder())

    expect((await child.ended).code).toBe(1)
    expect(child.err).toEqual([expect.stringContaining('it is a folder: name a file in it')])
  })

  it('ends with 1 and says what to do when its port is in use', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const place = `127.0.0.1:${(server.address() as AddressInfo).port}`

    const child = start('--listen', place, '--db', ':memory:')
    const { code } = await child.ended
    server.close()

    expect(code).toBe(1)
    const advice = `ksp relay: ${place} is in use: stop the other program, or choose another port with --listen`
    expect(child.err).toEqual([advice])
  })

  it('ends with 1 and says what to do when another relay has its file', async () => {
    const db = join(folder(), 'relay.sqlite')
    await start('--listen', '127.0.0.1:0', '--db', db).line(/^ready /)

    const second = start('--listen', '127.0.0.1:0', '--db', db)

    expect((await second.ended).code).toBe(1)
    const advice = `ksp relay: cannot open ${db}: another process has it open: stop that one, or choose another file`
    expect(second.err).toEqual([advice])
  })

  it('helps', async () => {
    const child = start('--help')

    expect((await child.ended).code).toBe(0)
    expect(child.out[0]).toMatch(/^usage: ksp relay/)
  })

  it.each(['stdin', 'ipc'])('ends with its parent where that was asked for: %s', async (tie) => {
    const args = [program, '--listen', '127.0.0.1:0', '--db', ':memory:', '--exit-with-parent']
    const child = spawn(process.execPath, args, {
      stdio: tie === 'ipc' ? ['ignore', 'pipe', 'ignore', 'ipc'] : ['pipe', 'pipe', 'ignore'],
    })
    await once(createInterface({ input: child.stdout! }), 'line')

    if (tie === 'ipc') child.disconnect()
    else child.stdin!.end()

    expect(await once(child, 'exit')).toEqual([0, null])
  })
})
