import { once } from 'node:events'
import { chmodSync, linkSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { startRelay, type Relay } from '../../../relay/index.js'
import { openEventStore } from '../../../relay/store/store.js'
import { backup } from '../../../relay/verbs/backup.js'
import { exportEvents } from '../../../relay/verbs/export.js'
import { restore } from '../../../relay/verbs/restore.js'
import { stats } from '../../../relay/verbs/stats.js'
import type { Verb } from '../../../relay/verbs/verb.js'
import type { UnixMs, UnixSec } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import type { Verifier } from '../../../src/ports.js'
import { connectClient } from '../../support/relay-client.js'
import { asIncoming, testFolder } from '../../support/relay-store.js'
import { paperAuthor } from '../../support/signed.js'

const NOW = 1_800_000_000
const trusting: Verifier = { engine: 'none', verify: (proofs) => Promise.resolve(proofs.map(() => true)) }
const alice = paperAuthor('alice')
const folder = testFolder()
const relays: Relay[] = []
afterEach(() => Promise.all(relays.splice(0).map((relay) => relay.close())))

const filled = (events: number, contentBytes: number): string => {
  const db = join(folder(), 'relay.sqlite')
  const store = openEventStore(db, nodeHashes)
  const content = 'x'.repeat(contentBytes)
  const items = Array.from({ length: events }, (_, i) => alice.sign({ content, created_at: (NOW - i) as UnixSec }))
  store.write(items.map(asIncoming), NOW as UnixSec)
  store.close()
  return db
}
const serve = async (db: string): Promise<Relay> => {
  const clock = { now: () => (NOW * 1000) as UnixMs }
  const relay = await startRelay({ host: '127.0.0.1', port: 0, db, clock, verifier: trusting })
  relays.push(relay)
  return relay
}
const run = async (verb: Verb, ...argv: string[]): Promise<{ code: number; said: string }> => {
  const said: string[] = []
  const voice = {
    print: () => undefined,
    write: () => Promise.resolve(),
    say: (line: string) => void said.push(line),
    progress: () => undefined,
  }
  const code = await verb.run(argv, voice, new AbortController().signal)
  return { code, said: said.join('\n') }
}
const modeOf = (file: string): string => (statSync(file).mode & 0o777).toString(8)

describe('a relay whose operator has an export read page by page', () => {
  it('stops all the same', async () => {
    const db = filled(200, 100_000)
    const relay = await serve(db)
    const reader: Socket = connect(`${db}.sock`)
    await once(reader, 'connect')
    reader.write('{"do":"rows"}\n')
    await once(reader, 'readable')
    reader.pause()

    await relay.close()

    // It is gone, so another one may have the file.
    const next = await serve(db)
    expect(next.connections).toBe(0)
    reader.destroy()
  })
})

describe('the control socket', () => {
  it('takes the place of one that was left behind, and of nothing else', async () => {
    const [left, other] = [filled(1, 10), filled(1, 10)]
    const behind = createServer().listen(`${left}.sock`)
    await once(behind, 'listening')
    writeFileSync(`${other}.sock`, 'some words of the operator')

    await Promise.all([serve(left), serve(other)])
    const [asked, alone] = [await run(stats, '--db', left), await run(stats, '--db', other)]

    expect(asked.code).toBe(0)
    expect([alone.code, alone.said]).toEqual([1, expect.stringContaining('another process has it open')])
    expect(readFileSync(`${other}.sock`, 'utf8')).toBe('some words of the operator')
    behind.close()
  })
})

describe('the file of a relay that runs', () => {
  it('is not replaced by its own backup, nor by an export, by whatever name and with --force', async () => {
    const db = filled(3, 10)
    const [hard, soft] = [`${db}.hard`, `${db}.soft`]
    linkSync(db, hard)
    symlinkSync(db, soft)
    const relay = await serve(db)
    const before = statSync(db).ino

    const names = [db, hard, soft, `${db}-wal`, `${db}.sock`]
    const copied = await Promise.all(names.map((name) => run(backup, name, '--db', db, '--force')))
    const exported = await Promise.all(names.map((name) => run(exportEvents, name, '--db', db, '--force')))
    const client = await connectClient(relay.url)
    const stored = await client.stored({})
    await client.close()

    for (const { code, said } of [...copied, ...exported]) {
      expect([code, said]).toEqual([1, expect.stringContaining("belongs to the relay's own file")])
    }
    expect(statSync(db).ino).toBe(before)
    expect(readFileSync(db).subarray(0, 15).toString()).toBe('SQLite format 3')
    expect(stored).toHaveLength(3)
  })
})

describe('an export', () => {
  it('is written through no link that somebody laid under its unfinished name', async () => {
    const db = filled(3, 10)
    const [target, other] = [`${db}.jsonl`, `${db}.other`]
    for (const file of [other, `${other}.json`]) writeFileSync(file, 'of somebody else', { mode: 0o644 })
    symlinkSync(other, `${target}.part`)
    symlinkSync(`${other}.json`, `${target}.part.json`)

    const { code } = await run(exportEvents, target, '--db', db)

    expect(code).toBe(0)
    expect([other, `${other}.json`].map((file) => readFileSync(file, 'utf8'))).toEqual(
      Array.from({ length: 2 }, () => 'of somebody else'),
    )
    expect(modeOf(other)).toBe('644')
    expect(modeOf(target)).toBe('600')
    expect(readFileSync(target, 'utf8').trim().split('\n')).toHaveLength(3)
  })
})

describe('a restored file', () => {
  it('is its owner’s only, also where the backup was made readable to others', async () => {
    const db = filled(3, 10)
    const [copy, target] = [`${db}.backup`, `${db}.restored`]
    await run(backup, copy, '--db', db)
    chmodSync(copy, 0o644)

    const { code } = await run(restore, copy, '--db', target)

    expect(code).toBe(0)
    expect(modeOf(target)).toBe('600')
    expect(modeOf(copy)).toBe('644')
  })

  it('is the backup, byte by byte but for the mark that it is in order, also beside what an earlier try left', async () => {
    const db = filled(300, 10_000)
    const [copy, target] = [`${db}.backup`, `${db}.restored`]
    await run(backup, copy, '--db', db)
    writeFileSync(`${target}.restoring`, 'of an earlier try')

    const { code } = await run(restore, copy, '--db', target)

    expect(code).toBe(0)
    expect(statSync(target).size).toBe(statSync(copy).size)
    const store = openEventStore(target, nodeHashes)
    expect(store.count()).toBe(300)
    store.close()
  })
})
