import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterEach, describe, expect, it } from 'vitest'
import { builtProgram } from '../../src/ops/child.js'
import type { NostrEvent, UnixSec } from '../../src/core/types.js'
import { openEngine } from '../../src/crypto/engine.js'
import { eventually } from '../support/eventually.js'
import { connectClient } from '../support/relay-client.js'
import { testFolder } from '../support/relay-store.js'
import { authorOf } from '../support/signed.js'

/**
 * A relay whose files may not grow, by the system's own limit for this process (RLIMIT_FSIZE): the write that would make one
 * longer fails for real, for any user, on any file system. The limit is then lifted while the relay runs.
 */
interface Limited {
  readonly process: ChildProcess
  readonly pid: number
  readonly url: string
  readonly said: readonly { readonly msg: string }[]
  limit(bytes: number | 'unlimited'): void
}

const folder = testFolder()
const running: ChildProcess[] = []
afterEach(async () => {
  for (const child of running.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
})

const start = async (db: string): Promise<Limited> => {
  const child = spawn(process.execPath, [builtProgram('relay/main.js'), '--listen', '127.0.0.1:0', '--db', db], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.push(child)
  const said: { msg: string }[] = []
  createInterface({ input: child.stderr }).on('line', (line) => said.push(JSON.parse(line) as { msg: string }))
  const [ready] = (await once(createInterface({ input: child.stdout }), 'line')) as [string]
  const pid = child.pid!
  const limit = (bytes: number | 'unlimited'): void =>
    void execFileSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:`])
  return { process: child, pid, url: ready.slice(6), said, limit }
}

const alice = authorOf(await openEngine(), 'alice')
const note = (i: number, bytes = 20_000): NostrEvent =>
  alice.sign({ created_at: (1_700_000_000 + i) as UnixSec, content: `${i} ${'x'.repeat(bytes)}` })

const saidOf = (relay: Limited, msg: string): number => relay.said.filter((line) => line.msg === msg).length

describe.each([
  ['is full', (db: string) => statSync(db).size + 2_000_000],
  ['takes no write at all', () => 1],
])('a disk that %s', (_, limitFor) => {
  it('is answered with error:, said once, served from, and made use of as soon as there is room', async () => {
    const db = join(folder(), 'relay.sqlite')
    const relay = await start(db)
    const client = await connectClient(relay.url)
    const before = note(0)
    await client.publish(before)
    relay.limit(limitFor(db))

    const accepted = [before]
    const answers: { accepted: unknown; reason: unknown }[] = []
    for (let i = 1; answers.filter((answer) => answer.accepted !== true).length < 20; i++) {
      const event = note(i)
      const answer = await client.publish(event)
      answers.push(answer)
      if (answer.accepted === true) accepted.push(event)
    }
    const during = await client.stored({ authors: [alice.pubkey] })
    relay.limit('unlimited')
    await eventually(
      'there is room again',
      () => saidOf(relay, 'store-writable-again'),
      (times) => times > 0,
    )
    const after = note(9_999)
    const last = await client.publish(after)
    const held = await client.stored({ authors: [alice.pubkey] })
    relay.process.kill('SIGTERM')
    const [code] = (await once(relay.process, 'exit')) as [number | null]

    const failed = answers.filter((answer) => answer.accepted !== true)
    for (const { reason } of failed) expect(reason).toMatch(/^error: /)
    expect(saidOf(relay, 'store-not-writable')).toBe(1)
    expect(saidOf(relay, 'store-writable-again')).toBe(1)
    expect(relay.said.length).toBeLessThan(20)
    expect(during.map(({ id }) => id).sort()).toEqual(accepted.map(({ id }) => id).sort())
    expect(last).toEqual({ accepted: true, reason: '' })
    expect(held).toHaveLength(accepted.length + 1)
    expect(code).toBe(0)

    const second = await start(db)
    const reader = await connectClient(second.url)
    expect(await reader.stored({ authors: [alice.pubkey] })).toHaveLength(accepted.length + 1)
    expect(saidOf(second, 'unclean-stop')).toBe(0)
  })

  it('loses nothing that was accepted where the relay is killed on it', async () => {
    const db = join(folder(), 'relay.sqlite')
    const relay = await start(db)
    const client = await connectClient(relay.url)
    const accepted: string[] = []
    relay.limit(limitFor(db))
    for (let i = 0, failed = 0; failed < 5; i++) {
      const event = note(i)
      if ((await client.publish(event)).accepted === true) accepted.push(event.id)
      else failed++
    }
    relay.process.kill('SIGKILL')
    await once(relay.process, 'exit')

    const second = await start(db)
    const reader = await connectClient(second.url)
    const held = new Set<string>((await reader.stored({ authors: [alice.pubkey] })).map(({ id }) => id))

    expect(accepted.filter((id) => !held.has(id))).toEqual([])
    expect(second.said.map(({ msg }) => msg)).toContain('integrity-check')
  })
})
