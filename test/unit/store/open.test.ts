import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import Sqlite from 'better-sqlite3'
import { describe, expect, it } from 'vitest'
import { Fault } from '../../../src/core/fault.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { openStore } from '../../../src/store/open.js'
import { MIGRATIONS } from '../../../src/store/schema.js'
import { manualClock, open, put, strand, tempFile, WITH_ALICE } from './build.js'

const options = { clock: manualClock(), hashes: nodeHashes }

const opening = (file: string, readOnly = false): (() => void) => {
  return () => void openStore(file, { ...options, readOnly })
}

/** A file as a killed process leaves it: the mark of a clean stop is missing. */
const stopUncleanly = (file: string, harm?: (db: Sqlite.Database) => void): void => {
  const db = new Sqlite(file)
  db.prepare(`UPDATE meta SET value = 'open' WHERE name = 'state'`).run()
  harm?.(db)
  db.close()
}

describe('opening a store', () => {
  it('makes the folder and a file that only its owner can read', async () => {
    const file = tempFile().replace('braid.sqlite', 'deep/er/braid.sqlite')

    const store = openStore(file, options)
    await put(store, { strand: strand('a') })

    for (const part of ['', '-wal', '-shm']) expect(statSync(file + part).mode & 0o777).toBe(0o600)
    await store.close()
  })

  it('leaves one file behind after a clean stop', async () => {
    const file = tempFile()
    const store = openStore(file, options)
    await put(store, { strand: strand('a') })

    await store.close()

    expect(existsSync(`${file}-wal`)).toBe(false)
    expect(new Sqlite(file, { readonly: true }).pragma('user_version', { simple: true })).toBe(MIGRATIONS.length)
  })

  it('can be closed twice, and refuses writes afterwards', async () => {
    const store = openStore(tempFile(), options)

    await Promise.all([store.close(), store.close()])

    await expect(store.commit(() => ({}))).rejects.toThrow(Fault)
  })

  it('refuses a file of a newer version and leaves it alone', async () => {
    const file = tempFile()
    await openStore(file, options).close()
    const db = new Sqlite(file)
    db.pragma(`user_version = ${MIGRATIONS.length + 1}`)
    db.close()
    const before = readFileSync(file)

    expect(opening(file)).toThrow(/newer version; upgrade ksp/)
    expect(opening(file)).toThrow(Fault)
    expect(readFileSync(file).equals(before)).toBe(true)
  })

  it('refuses the database of another program', () => {
    const file = tempFile()
    const db = new Sqlite(file)
    db.exec('CREATE TABLE other (x)')
    db.close()

    expect(opening(file)).toThrow(/another program/)
  })

  it('refuses a file that is no database', () => {
    const file = tempFile()
    writeFileSync(file, 'this is a letter, and a long one, for a header has a hundred bytes'.repeat(10))

    expect(opening(file)).toThrow(Fault)
    expect(opening(file)).toThrow(/cannot open .*not a database/)
  })

  it('opens again after an unclean stop when the file is whole', async () => {
    const file = tempFile()
    const first = openStore(file, options)
    await put(first, { strand: strand('a') })
    await first.close()
    stopUncleanly(file)

    const store = open(file)

    expect(store.root(WITH_ALICE).count).toBe(1)
  })

  it('refuses a damaged file after an unclean stop', async () => {
    const file = tempFile()
    const first = openStore(file, options)
    await put(first, { strand: strand('a') })
    await first.close()
    let page = 0
    stopUncleanly(file, (db) => {
      page = db.prepare<[], number>(`SELECT rootpage FROM sqlite_schema WHERE name = 'messages'`).pluck().get() ?? 0
    })
    const bytes = readFileSync(file)
    bytes.fill(0x5a, (page - 1) * 4096 + 8, page * 4096)
    writeFileSync(file, bytes)

    expect(opening(file)).toThrow(Fault)
  })

  it('reads beside a running bridge and refuses to write', async () => {
    const file = tempFile()
    const writer = open(file)
    await put(writer, { strand: strand('a') })
    const reader = openStore(file, { ...options, readOnly: true })

    await put(writer, { strand: strand('b') })

    expect(reader.root(WITH_ALICE)).toEqual(writer.root(WITH_ALICE))
    expect(reader.counts()).toEqual(writer.counts())
    expect(reader.log({ limit: 10 })).toHaveLength(2)
    await expect(reader.commit(() => ({}))).rejects.toThrow(/for reading only/)
    await reader.close()
  })

  it('reads a file that no bridge has open', async () => {
    const file = tempFile()
    const first = openStore(file, options)
    await put(first, { strand: strand('a') })
    await first.close()

    const reader = openStore(file, { ...options, readOnly: true })

    expect(reader.log({ limit: 10 })).toHaveLength(1)
    await reader.close()
  })

  it('says so where there is nothing to read', () => {
    expect(opening(tempFile(), true)).toThrow(/cannot open/)
  })
})
