import { copyFileSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import Sqlite from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import type { EventId, MessageId, Pubkey, RelayUrl } from '../../../src/core/types.js'
import { openEngine } from '../../../src/crypto/engine.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { MIGRATIONS } from '../../../src/store/schema.js'
import { surveyStore } from '../../support/survey-store.mjs'
import { hex, open, put, strand, START, tempFile } from './build.js'

const folder = fileURLToPath(new URL('../../fixtures/', import.meta.url))
const versions = readdirSync(folder).flatMap((name) => /^schema-(\d+)\.db$/.exec(name)?.[1] ?? [])
const engine = await openEngine()

/** A copy: opening brings a file to the newest schema. */
const copyOf = (version: string): string => {
  const file = tempFile()
  copyFileSync(`${folder}schema-${version}.db`, file)
  return file
}

const surveyOf = (version: string): { log: { id: MessageId }[] } =>
  JSON.parse(readFileSync(`${folder}schema-${version}.json`, 'utf8')) as { log: { id: MessageId }[] }

describe('the schema', () => {
  it('has a file of every version to be held to', () => {
    expect(versions.map(Number).sort((a, b) => a - b)).toEqual(MIGRATIONS.map((_, index) => index + 1))
  })

  it('has strict tables only', () => {
    const file = tempFile()
    open(file)
    const db = new Sqlite(file, { readonly: true })

    const loose = db
      .prepare<[], string>(`SELECT name FROM pragma_table_list WHERE schema = 'main' AND strict = 0`)
      .pluck()
      .all()
    db.close()

    expect(loose.filter((name) => !name.startsWith('sqlite_'))).toEqual([])
  })
})

describe.each(versions)('a file of schema %s', (version) => {
  it('has something in every table', () => {
    const db = new Sqlite(copyOf(version), { readonly: true })
    const tables = db.prepare<[], string>(`SELECT name FROM sqlite_schema WHERE type = 'table'`).pluck().all()

    const empty = tables.filter((name) => db.prepare(`SELECT 1 FROM "${name}" LIMIT 1`).get() === undefined)
    db.close()

    expect(empty.filter((name) => !name.startsWith('sqlite_'))).toEqual([])
  })

  it('says the same after it was brought up to date', () => {
    const store = open(copyOf(version))

    expect(surveyStore(store, START + 1_000_000_000)).toEqual(surveyOf(version))
  })

  it('is whole, signatures included', () => {
    const store = open(copyOf(version))

    const steps = [...store.verify(nodeHashes, (proof) => engine.verify(proof))]

    expect(steps.filter((step) => step.kind === 'finding')).toEqual([])
  })

  it('still knows what it had seen, sent and promised', async () => {
    const store = open(copyOf(version))
    const mine = surveyOf(version).log[0]!.id

    expect(store.view.mark(hex<EventId>('event refused'))).toMatchObject({ code: 'forbidden-kor', generation: 1 })
    expect(store.view.sent(hex<EventId>('event sent'))?.message).toBe(mine)
    expect(store.view.orderKey('order 1')).toBe(mine)
    expect(store.view.answered(store.log({ limit: 10 }).at(-1)!.id, store.grants()[0]!.key)?.count).toBe(1)
    expect(store.view.task(store.grants()[0]!.key, 't-1')).toBeDefined()
    expect(store.cursor('kapnetd')).toBe('17')
    expect(store.relayMemory('wss://relay.example' as RelayUrl).lastWhole).toBe(START)
    expect(await store.generation('fingerprint')).toBe(2)
  })

  it('can be written on', async () => {
    const store = open(copyOf(version))
    const parents = store.view.tips('gossip', 8)
    const author = store.peers()[0]?.key as Pubkey

    await put(store, { strand: strand('next', { parents, author, scopes: ['gossip'] }) })

    expect(store.view.tips('gossip', 8)).toEqual([strand('next', { parents, author, scopes: ['gossip'] }).id])
    expect(store.root('gossip').count).toBe(3)
  })
})
