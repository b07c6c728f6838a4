import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { Fault, reasonOf } from '../core/fault.js'

/** "kpnd" */
const APPLICATION_ID = 0x6b706e64
const BUSY_TIMEOUT_MS = 2_000
/** 16 MiB of 4 KiB pages. */
const CHECKPOINT_PAGES = 4_096

/**
 * Append-only: `user_version` counts how many of them a file has been through.
 *
 * `named` holds every id that some strand names as its parent, whether we hold that one or not: a child may come before its
 * parent, which then never becomes a tip.
 */
const MIGRATIONS = [
  `
  CREATE TABLE strands (
    seq    INTEGER PRIMARY KEY,
    id     BLOB NOT NULL UNIQUE CHECK (length(id) = 32),
    origin TEXT NOT NULL CHECK (origin IN ('local', 'bridge')),
    body   TEXT NOT NULL,
    event  TEXT
  ) STRICT;
  CREATE TABLE named (id BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;
  CREATE TABLE tips (seq INTEGER PRIMARY KEY REFERENCES strands) STRICT;
  CREATE TABLE braid (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    count INTEGER NOT NULL,
    lanes BLOB NOT NULL CHECK (length(lanes) = 2048)
  ) STRICT;
  INSERT INTO braid VALUES (1, 0, zeroblob(2048));
  `,
]

/** Opens the braid's file, or throws a Fault that says in one line what to do. The file is ours alone while it is open. */
export const openDatabase = (file: string): Database.Database => {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
    // Made by us and not by SQLite, for the mode. The -wal file inherits it.
    closeSync(openSync(file, 'a', 0o600))
    return prepare(new Database(file, { timeout: BUSY_TIMEOUT_MS }), file)
  } catch (thrown) {
    if (thrown instanceof Fault) throw thrown
    if (isBusy(thrown))
      throw new Fault('store', `${file} is in use by another kapnetd: stop it, or choose another --db`)
    throw new Fault('store', `cannot open ${file}: ${reasonOf(thrown)}; check --db`, { cause: thrown })
  }
}

const prepare = (db: Database.Database, file: string): Database.Database => {
  try {
    // The lanes are kept in memory as well: a second writer would make them wrong. The lock ends with the process.
    db.pragma('locking_mode = EXCLUSIVE')
    db.pragma('foreign_keys = ON')
    db.pragma('trusted_schema = OFF')
    checkOwner(db, file)
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
    for (let version = versionOf(db); version < MIGRATIONS.length; version++) migrate(db, version)
    return db
  } catch (thrown) {
    db.close()
    throw thrown
  }
}

const checkOwner = (db: Database.Database, file: string): void => {
  const owner = db.pragma('application_id', { simple: true }) as number
  const tables = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() as number
  if (owner !== APPLICATION_ID && (owner !== 0 || tables > 0))
    throw new Fault('store', `${file} is a SQLite database of another program: choose another --db`)
  if (versionOf(db) > MIGRATIONS.length)
    throw new Fault('store', `${file} was written by a newer version of kapnetd: upgrade this one`)
}

const versionOf = (db: Database.Database): number => db.pragma('user_version', { simple: true }) as number

const migrate = (db: Database.Database, version: number): void =>
  db
    .transaction(() => {
      db.pragma(`application_id = ${APPLICATION_ID}`)
      db.exec(MIGRATIONS[version] ?? '')
      db.pragma(`user_version = ${version + 1}`)
    })
    .immediate()

const isBusy = (thrown: unknown): boolean =>
  thrown instanceof Database.SqliteError && (thrown.code === 'SQLITE_BUSY' || thrown.code === 'SQLITE_LOCKED')
