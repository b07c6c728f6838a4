import { copyFileSync, existsSync, readFileSync, statSync, truncateSync, watch, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { builtProgram, startChild, type Child } from '../../src/ops/child.js'
import type { NostrEvent, UnixSec } from '../../src/core/types.js'
import { openEngine } from '../../src/crypto/engine.js'
import { VERBS } from '../../relay/verbs/table.js'
import { eventually } from '../support/eventually.js'
import { connectClient } from '../support/relay-client.js'
import { testFolder } from '../support/relay-store.js'
import { authorOf, type Author } from '../support/signed.js'

/** The verbs of `ksp relay` as an operator uses them: processes of their own, beside a running relay or without one. */

const program = builtProgram('relay/main.js')
const folder = testFolder()
const children: Child[] = []
afterEach(() => Promise.all(children.splice(0).map((child) => child.stop('SIGKILL'))))

let alice: Author
beforeAll(async () => {
  alice = authorOf(await openEngine(), 'alice')
})

const START = 1_700_000_000
const events = (count: number, content = 'x'): NostrEvent[] =>
  Array.from({ length: count }, (_, i) =>
    alice.sign({ created_at: (START + i) as UnixSec, content: `${i} ${content}`, tags: [['t', `${i % 7}`]] }),
  )
const linesOf = (items: readonly unknown[]): string => items.map((item) => `${JSON.stringify(item)}\n`).join('')
const eventsIn = (file: string): NostrEvent[] =>
  readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as NostrEvent)
const idsIn = (file: string): string[] => eventsIn(file).map(({ id }) => id)

const start = (args: readonly string[], tied = false): Child => {
  const child = startChild(program, args, { tied })
  children.push(child)
  // What is on its way to one that was killed is lost.
  child.process.stdin?.on('error', () => undefined)
  return child
}
interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}
const run = async (...args: string[]): Promise<Ran> => {
  const child = start(args)
  const { code } = await child.ended
  return { code, out: child.out.join('\n'), err: child.err.join('\n') }
}
const json = (ran: Ran): Record<string, unknown> => JSON.parse(ran.out) as Record<string, unknown>
const serve = async (db: string): Promise<{ child: Child; url: string }> => {
  const child = start(['--listen', '127.0.0.1:0', '--db', db])
  return { child, url: (await child.line(/^ready /)).slice(6) }
}
/** A file with these events, and where they came from. */
const filled = async (items: readonly NostrEvent[]): Promise<{ dir: string; db: string; jsonl: string }> => {
  const dir = folder()
  const [db, jsonl] = [join(dir, 'relay.sqlite'), join(dir, 'events.jsonl')]
  writeFileSync(jsonl, linesOf(items))
  const { code, err } = await run('import', jsonl, '--db', db)
  if (code !== 0) throw new Error(err)
  return { dir, db, jsonl }
}

describe('ksp relay import', () => {
  it('stores what is right, skips what is there, and tells line and reason of what it refuses', async () => {
    const dir = folder()
    const [good, other] = events(2)
    const wrong = [
      JSON.stringify({ ...good!, content: 'forged' }),
      JSON.stringify({ ...other!, sig: '0'.repeat(128) }),
      '{"id":',
      '{"id":1}',
      JSON.stringify(alice.sign({ kind: 20_001, created_at: START as UnixSec })),
      `"${'x'.repeat(1024 * 1024)}"`,
    ]
    const guarded = alice.sign({ created_at: START as UnixSec, tags: [['-']] })
    const lines = [good!, ...[good, guarded].map((event) => event)].map((event) => JSON.stringify(event))
    const file = join(dir, 'mixed.jsonl')
    writeFileSync(file, `${[...lines, '', ...wrong].join('\n')}\n`)
    const db = join(dir, 'relay.sqlite')

    const ran = await run('import', file, '--db', db, '--json')
    const lenient = await run('import', file, '--db', db, '--json', '--lenient')

    expect(ran.code).toBe(1)
    expect(json(ran)).toMatchObject({ read: 9, stored: 2, duplicate: 1, refused: 6, lastLine: 10, complete: true })
    expect(ran.err).toContain('line 5: invalid: id is not the hash of the event')
    expect(ran.err).toContain('line 6: invalid: the signature does not hold')
    expect(ran.err).toContain('line 7: invalid: the line is not JSON')
    expect(ran.err).toContain('line 9: mute:')
    expect(ran.err).toContain('line 10: invalid: the line has more than 1048576 bytes')
    expect(lenient.code).toBe(0)
    expect(json(lenient)).toMatchObject({ stored: 0, duplicate: 3, refused: 6 })
  })

  it('refuses a file that a relay has open, says what to do, and does it over the wire', async () => {
    const { dir, db } = await filled(events(3))
    const { url } = await serve(db)
    const more = join(dir, 'more.jsonl')
    writeFileSync(more, linesOf(events(700, 'more')))

    const refused = await run('import', more, '--db', db)
    const wired = await run('import', more, '--to', url, '--json')
    const again = await run('import', more, '--to', url, '--json', '--from', '101')

    expect([refused.code, refused.err]).toEqual([
      1,
      `ksp relay: a relay has ${db} open: stop it, or import into it with --to ws://HOST:PORT`,
    ])
    expect([wired.code, json(wired)]).toMatchObject([0, { read: 700, stored: 700 }])
    expect(json(again)).toMatchObject({ read: 600, stored: 0, duplicate: 600 })
  })

  it('goes on after a kill -9: what was stored is there, the rest comes, nothing twice', async () => {
    const items = events(3_000)
    const dir = folder()
    const [db, jsonl] = [join(dir, 'relay.sqlite'), join(dir, 'events.jsonl')]
    writeFileSync(jsonl, linesOf(items))
    const killed = start(['import', '-', '--db', db], true)
    killed.process.stdin!.write(linesOf(items.slice(0, 2_000)))
    await eventually(
      'something is committed',
      () => statSync(`${db}-wal`, { throwIfNoEntry: false })?.size ?? 0,
      (size) => size > 200_000,
    )

    await killed.stop('SIGKILL')
    const ran = await run('import', jsonl, '--db', db, '--json')
    const summary = json(ran) as { read: number; stored: number; duplicate: number }
    await run('export', join(dir, 'out.jsonl'), '--db', db)

    expect(ran.code).toBe(0)
    expect(summary.duplicate).toBeGreaterThan(0)
    expect(summary.stored).toBeGreaterThan(0)
    expect(summary.stored + summary.duplicate).toBe(3_000)
    expect(idsIn(join(dir, 'out.jsonl')).sort()).toEqual(items.map(({ id }) => id).sort())
  })

  it('finishes what it has read at SIGTERM, and says with which line to go on', async () => {
    const dir = folder()
    const child = start(['import', '-', '--db', join(dir, 'relay.sqlite'), '--json'], true)
    child.process.stdin!.write(linesOf(events(50)))
    await eventually(
      'something is committed',
      () => statSync(join(dir, 'relay.sqlite-wal'), { throwIfNoEntry: false })?.size ?? 0,
      (size) => size > 30_000,
    )

    const { code } = await child.stop('SIGTERM')

    expect(code).toBe(1)
    expect(JSON.parse(child.out.join(''))).toMatchObject({ complete: false, stored: 50, lastLine: 50 })
    expect(child.err.at(-1)).toBe('ksp relay: interrupted after line 50: go on with --from 51')
  })
})

describe('ksp relay export', () => {
  it('writes every event, private ones too, in the order of their commits, readable by its owner only', async () => {
    const wrap = alice.sign({ kind: 1059, created_at: START as UnixSec, tags: [['p', alice.pubkey]] })
    const items = [...events(5).reverse(), wrap]
    const { dir, db } = await filled(items)
    const out = join(dir, 'out.jsonl')

    const first = await run('export', out, '--db', db, '--json')
    const refused = await run('export', out, '--db', db)
    const rest = await run('export', '-', '--db', db, '--after', '4')
    const some = await run('export', '-', '--db', db, '--filter', '{"#t":["0","1"]}', '--since', `${START + 1}`)

    expect([first.code, json(first)]).toMatchObject([0, { events: 6, last: 6, resumed: false }])
    expect(idsIn(out)).toEqual(items.map(({ id }) => id))
    expect(statSync(out).mode & 0o777).toBe(0o600)
    expect([refused.code, refused.err]).toEqual([1, `ksp relay: ${out} exists: choose another name, or add --force`])
    expect(rest.out.split('\n').map((line) => (JSON.parse(line) as NostrEvent).id)).toEqual([items[4]!.id, wrap.id])
    expect(some.out.split('\n').map((line) => (JSON.parse(line) as NostrEvent).created_at)).toEqual([START + 1])
  })

  it('asks the relay that runs, and imports again to the same', async () => {
    const items = events(900)
    const { dir, db } = await filled(items)
    await serve(db)

    const ran = await run('export', join(dir, 'out.jsonl'), '--db', db)
    await run('import', join(dir, 'out.jsonl'), '--db', join(dir, 'second.sqlite'))
    await run('export', join(dir, 'again.jsonl'), '--db', join(dir, 'second.sqlite'))

    expect(ran.code).toBe(0)
    expect(idsIn(join(dir, 'out.jsonl'))).toEqual(items.map(({ id }) => id))
    expect(readFileSync(join(dir, 'again.jsonl'))).toEqual(readFileSync(join(dir, 'out.jsonl')))
  })

  it('goes on after a kill -9 where it was, and gets its name when it is whole', async () => {
    const items = events(1_200, 'y'.repeat(50_000))
    const { dir, db } = await filled(items)
    const out = join(dir, 'out.jsonl')
    const watcher = watch(dir)
    const killed = start(['export', out, '--db', db])
    for await (const [, name] of eventsOf(watcher)) if (name === 'out.jsonl.part.json') break
    watcher.close()

    await killed.stop('SIGKILL')
    const wasNamed = existsSync(out)
    const ran = await run('export', out, '--db', db, '--json')

    expect(wasNamed).toBe(false)
    expect([ran.code, json(ran)]).toMatchObject([0, { events: 1_200, resumed: true }])
    expect(idsIn(out)).toEqual(items.map(({ id }) => id))
    expect(existsSync(`${out}.part`) || existsSync(`${out}.part.json`)).toBe(false)
  })
})

const eventsOf = (watcher: ReturnType<typeof watch>): AsyncIterable<[string, string]> => ({
  async *[Symbol.asyncIterator]() {
    for (;;) yield (await once(watcher, 'change')) as [string, string]
  },
})

describe('ksp relay backup and restore', () => {
  it('copies a relay under load: all that had its OK before is in it, and what was deleted stays so', async () => {
    const { dir, db } = await filled(events(4_000, 'z'.repeat(500)))
    const { url } = await serve(db)
    const client = await connectClient(url)
    const doomed = alice.sign({ created_at: START as UnixSec, content: 'doomed' })
    const deletion = alice.sign({ kind: 5, created_at: (START + 1) as UnixSec, tags: [['e', doomed.id]] })
    await client.publish(doomed)
    await client.publish(deletion)
    const before = events(200, 'before')
    for (const event of before) expect((await client.publish(event)).accepted).toBe(true)

    const copy = start(['backup', join(dir, 'backup.sqlite'), '--db', db, '--json'])
    const copying = { ended: false }
    void copy.ended.then(() => (copying.ended = true))
    const during: NostrEvent[] = []
    for (const event of events(5_000, 'during')) {
      if (copying.ended) break
      expect((await client.publish(event)).accepted).toBe(true)
      during.push(event)
    }
    const { code } = await copy.ended
    const restored = await run('restore', join(dir, 'backup.sqlite'), '--db', join(dir, 'restored.sqlite'))
    await run('export', join(dir, 'restored.jsonl'), '--db', join(dir, 'restored.sqlite'))
    const second = await connectClient((await serve(join(dir, 'restored.sqlite'))).url)
    const republished = await second.publish(doomed)

    expect([code, restored.code]).toEqual([0, 0])
    expect(during.length).toBeGreaterThan(0)
    expect(JSON.parse(copy.out.join(''))).toMatchObject({ online: true })
    const there = new Set(idsIn(join(dir, 'restored.jsonl')))
    expect(before.filter(({ id }) => !there.has(id))).toEqual([])
    expect([there.has(deletion.id), there.has(doomed.id)]).toEqual([true, false])
    expect(republished).toMatchObject({ accepted: false, reason: 'blocked: its author deleted this event' })
    expect(statSync(join(dir, 'backup.sqlite')).mode & 0o777).toBe(0o600)
    expect(statSync(`${db}.sock`).mode & 0o777).toBe(0o600)
  })

  it('makes the round trip without a relay: the same events, tombstones and numbers', async () => {
    const [first, ...rest] = events(30)
    const deletion = alice.sign({ kind: 5, created_at: (START + 99) as UnixSec, tags: [['e', first!.id]] })
    const vanish = authorOf(await openEngine(), 'bob').sign({
      kind: 62,
      created_at: START as UnixSec,
      tags: [['relay', 'ALL_RELAYS']],
    })
    const { dir, db } = await filled([first!, ...rest, deletion, vanish])
    const [copy, restored] = [join(dir, 'b.sqlite'), join(dir, 'r.sqlite')]

    const codes = [await run('backup', copy, '--db', db), await run('restore', copy, '--db', restored)].map(
      (r) => r.code,
    )
    const [was, is] = [await run('stats', '--db', db, '--json'), await run('stats', '--db', restored, '--json')].map(
      json,
    )
    await run('export', join(dir, 'was.jsonl'), '--db', db)
    await run('export', join(dir, 'is.jsonl'), '--db', restored)

    expect(codes).toEqual([0, 0])
    expect(was).toMatchObject({ events: 31, tombstones: { ids: 1, keys: 1 } })
    expect({ ...is, file: undefined }).toEqual({ ...was, file: undefined })
    expect(readFileSync(join(dir, 'is.jsonl'))).toEqual(readFileSync(join(dir, 'was.jsonl')))
  })

  it('keeps what was there, and overwrites only where it was told to', async () => {
    const { dir, db } = await filled(events(3))
    const copy = join(dir, 'b.sqlite')
    await run('backup', copy, '--db', db)
    await run('import', join(dir, 'events.jsonl'), '--db', db)

    const refusals = [await run('backup', copy, '--db', db), await run('restore', copy, '--db', db)]
    const forced = await run('restore', copy, '--db', db, '--force', '--json')

    expect(refusals.map(({ code }) => code)).toEqual([1, 1])
    for (const { err } of refusals) expect(err).toContain('exists: choose another name, or add --force')
    expect(json(forced)).toMatchObject({ events: 3, kept: `${db}.before-restore` })
    expect(existsSync(`${db}.before-restore`)).toBe(true)
  })

  it('writes over no file that a relay has open, whatever --force says, and tells what else a name may not be', async () => {
    const { dir, db } = await filled(events(3))
    const served = join(dir, 'served.sqlite')
    await serve(served)
    const nowhere = join(dir, 'none', 'copy')

    const tried = [
      await run('backup', served, '--db', db, '--force'),
      await run('export', served, '--db', db, '--force'),
      await run('backup', dir, '--db', db, '--force'),
      await run('export', dir, '--db', db, '--force'),
      await run('backup', nowhere, '--db', db),
      await run('export', nowhere, '--db', db),
    ]

    const reasons = ['open: choose another name', 'is a folder: name a file in it', 'does not exist: make it first']
    expect(tried.map(({ code }) => code)).toEqual([1, 1, 1, 1, 1, 1])
    for (const [i, { err }] of tried.entries()) expect(err).toContain(reasons[Math.floor(i / 2)])
  })

  it('leaves no log of an older file beside a copy that takes its name', async () => {
    const { dir, db } = await filled(events(3))
    const copy = join(dir, 'b.sqlite')
    for (const name of [copy, `${copy}-wal`]) writeFileSync(name, 'of an older file')

    const forced = await run('backup', copy, '--db', db, '--force')

    expect(forced.code).toBe(0)
    expect(existsSync(`${copy}-wal`)).toBe(false)
  })

  it('restores no junk, and nothing over a running relay', async () => {
    const { dir, db } = await filled(events(500, 'w'.repeat(300)))
    const [copy, text, foreign, cut] = ['b.sqlite', 'text', 'foreign.sqlite', 'cut.sqlite'].map((name) =>
      join(dir, name),
    )
    await run('backup', copy!, '--db', db)
    writeFileSync(text!, 'no database at all')
    new Database(foreign).exec('CREATE TABLE t (a)').close()
    copyFileSync(copy!, cut!)
    truncateSync(cut!, 40_960)
    await serve(db)

    const target = join(dir, 'target.sqlite')
    const tried = [
      await run('restore', text!, '--db', target),
      await run('restore', foreign!, '--db', target),
      await run('restore', cut!, '--db', target),
      await run('restore', join(dir, 'nothing'), '--db', target),
      await run('restore', dir, '--db', target),
      await run('restore', copy!, '--db', db, '--force'),
    ]

    expect(tried.map(({ code }) => code)).toEqual([1, 1, 1, 1, 1, 1])
    expect(tried.map(({ err }) => err)).toEqual([
      expect.stringContaining('is no SQLite database'),
      expect.stringContaining('is the database of another program'),
      expect.stringContaining('nothing was restored: '),
      expect.stringContaining('does not exist'),
      expect.stringContaining('is a folder: name a file that ksp relay backup made'),
      expect.stringContaining('open: stop it first'),
    ])
    expect(existsSync(target)).toBe(false)
  })
})

describe('ksp relay stats and compact', () => {
  it('say the same beside a running relay as without it', async () => {
    const { db } = await filled([...events(20), alice.sign({ kind: 0, created_at: START as UnixSec })])

    const offline = json(await run('stats', '--db', db, '--json'))
    const { child } = await serve(db)
    const online = json(await run('stats', '--db', db, '--json'))
    const compacted = await run('compact', '--db', db, '--json')
    await child.stop()

    const counted = { events: 21, classes: { regular: 20, replaceable: 1 }, oldest: START, newest: START + 19 }
    expect([offline, online]).toMatchObject([
      { ...counted, online: false },
      { ...counted, online: true },
    ])
    expect(online['kinds']).toEqual([
      { kind: 1, events: 20 },
      { kind: 0, events: 1 },
    ])
    expect([compacted.code, json(compacted)]).toMatchObject([0, { online: true, converted: false }])
    expect(existsSync(`${db}.sock`)).toBe(false)
  })

  it('makes a file of an older version one that can shrink, smaller, with all its events', async () => {
    const dir = folder()
    const db = join(dir, 'relay.sqlite')
    copyFileSync('test/fixtures/relay-schema-1.sqlite', db)
    const before = json(await run('stats', '--db', db, '--json')) as { events: number; file: { shrinks: boolean } }

    const compacted = await run('compact', '--db', db, '--json')
    const after = json(await run('stats', '--db', db, '--json')) as { events: number; file: { shrinks: boolean } }

    expect([compacted.code, json(compacted)]).toMatchObject([0, { converted: true, online: false }])
    expect([before.file.shrinks, after.file.shrinks]).toEqual([false, true])
    expect(after.events).toBe(before.events)
  })

  it('say which file they miss, and make none', async () => {
    const db = join(folder(), 'nothing.sqlite')

    const tried = await Promise.all(['stats', 'compact'].map((verb) => run(verb, '--db', db)))

    expect(tried.map(({ code }) => code)).toEqual([1, 1])
    expect(tried[0]!.err).toBe(`ksp relay: ${db} does not exist: name the relay's file with --db`)
    expect(existsSync(db)).toBe(false)
  })
})

describe('every verb', () => {
  it.each(Object.keys(VERBS))('%s helps with an example, and ends with 2 at what it does not know', async (verb) => {
    const [help, wrong] = [await run(verb, '--help'), await run(verb, '--nonsense')]

    expect(help.code).toBe(0)
    expect(help.out).toContain(`usage: ksp relay ${verb}`)
    expect(help.out).toMatch(new RegExp(`^example: ksp relay ${verb}`, 'm'))
    expect(wrong.code).toBe(2)
    expect(wrong.err.split('\n')).toHaveLength(1)
    expect(wrong.err).toContain(`see ksp relay ${verb} --help`)
  })

  it('stands in the help of ksp relay', async () => {
    const { out } = await run('--help')

    for (const [name, { summary }] of Object.entries(VERBS))
      expect(out).toMatch(new RegExp(`relay ${name} +${summary}`))
  })
})
