import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { Fault, reasonOf } from '../core/fault.js'
import { migrate, schemaVersion } from './migrate.js'
import { MIGRATIONS } from './schema.js'

const CACHE_KIB = 32_768
const MMAP_BYTES = 268_435_456
const BUSY_TIMEOUT_MS = 5_000
/** 16 MiB of 4 KiB pages. Ids are random, so a larger WAL folds many writes of one page into one. */
const CHECKPOINT_PAGES = 4_096
/** A reader can keep the WAL from being folded in; afterwards it is cut back to this. */
const WAL_LIMIT_BYTES = 67_108_864

const setPragmas = (db: Database.Database): void => {
  db.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`)
  db.pragma(`cache_size = -${CACHE_KIB}`)
  db.pragma(`mmap_size = ${MMAP_BYTES}`)
  db.pragma('foreign_keys = ON')
  db.pragma('temp_store = MEMORY')
  db.pragma('trusted_schema = OFF')
}

const checkAfterCrash = (db: Database.Database, file: string): void => {
  const state = db.prepare(`SELECT value FROM meta WHERE name = 'state'`).pluck().get()
  if (state === 'open') {
    const found = db.pragma('quick_check(1)', { simple: true }) as string
    if (found !== 'ok') throw new Fault('store', `${file} is damaged: ${found}`)
  }
  db.prepare(`INSERT INTO meta VALUES ('state', 'open') ON CONFLICT (name) DO UPDATE SET value = 'open'`).run()
}

const openForWriting = (file: string): Database.Database => {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  // Made by us and not by SQLite, for the mode: messages are private. The -wal and -shm files inherit it.
  closeSync(openSync(file, 'a', 0o600))
  const db = new Database(file)
  try {
    setPragmas(db)
    schemaVersion(db, file)
    db.pragma('journal_mode = WAL')
    // better-sqlite3 is built to fall back to NORMAL in WAL mode, which loses the last commits on a power cut.
    db.pragma('synchronous = FULL')
    db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
    db.pragma(`journal_size_limit = ${WAL_LIMIT_BYTES}`)
    migrate(db, file)
    checkAfterCrash(db, file)
    return db
  } catch (thrown) {
    db.close()
    throw thrown
  }
}

const openForReading = (file: string): Database.Database => {
  const db = new Database(file, { readonly: true, fileMustExist: true })
  try {
    setPragmas(db)
    const version = schemaVersion(db, file)
    if (version < MIGRATIONS.length)
      throw new Fault('store', `${file} has the older schema ${version}: start the bridge once to bring it up to date`)
    return db
  } catch (thrown) {
    db.close()
    throw thrown
  }
}

/** Opens the file with the durability we promise, or throws a Fault that says in one line why it can't. */
export const connect = (file: string, readOnly: boolean): Database.Database => {
  try {
    return readOnly ? openForReading(file) : openForWriting(file)
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown
    throw new Fault('store', `cannot open ${file}: ${reasonOf(thrown)}`, { cause: thrown })
  }
}

/** Says that the stop was a clean one, folds the WAL in and closes. */
export const disconnect = (db: Database.Database): void => {
  if (!db.open) return
  if (!db.readonly) {
    db.prepare(`UPDATE meta SET value = 'closed' WHERE name = 'state'`).run()
    db.pragma('optimize')
    db.pragma('wal_checkpoint(TRUNCATE)')
  }
  db.close()
}
