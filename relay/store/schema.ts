import { closeSync, openSync } from 'node:fs'
import Database from 'better-sqlite3'
import { Fault, reasonOf } from '../../src/core/fault.js'
import type { Log } from '../../src/ports.js'
import { silentLog } from '../log.js'
import { checkIntegrity, Damaged, openCondition, walBytesOf, wasLeftInOrder } from './condition.js'

/**
 * The relay's database file. Migrations are appended, never changed; `user_version` says how many have run.
 *
 * `age` is minus created_at: so the ascending order of (age, id) is the one NIP-01 asks for, newest first and the lowest id
 * first among equals, and "the next page" is one row-value comparison on an index.
 * `seq` is the order of commit and never used twice within one run: it divides what is stored from what is live.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    pubkey BLOB NOT NULL,
    kind INTEGER NOT NULL,
    age INTEGER NOT NULL,
    expires_at INTEGER,
    json TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX events_by_id ON events (id);
  CREATE INDEX events_by_age ON events (age, id, kind);
  CREATE INDEX events_by_kind ON events (kind, age, id);
  CREATE INDEX events_by_author ON events (pubkey, age, id, kind);
  CREATE INDEX events_by_author_kind ON events (pubkey, kind, age, id);
  CREATE INDEX events_by_expiry ON events (expires_at) WHERE expires_at IS NOT NULL;

  -- Every single-letter tag with its first value (index-keys.ts).
  CREATE TABLE tags (
    key BLOB NOT NULL,
    age INTEGER NOT NULL,
    id BLOB NOT NULL,
    kind INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (key, age, id)
  ) STRICT, WITHOUT ROWID;

  -- What is known of a replaceable or addressable place: the best version ever seen, also where that is deleted or has
  -- expired by now, and until when versions are deleted. So the final state does not depend on the order of arrival.
  CREATE TABLE slots (
    slot BLOB PRIMARY KEY,
    age INTEGER,
    id BLOB,
    deleted_until INTEGER
  ) STRICT, WITHOUT ROWID;

  -- NIP-09 by id: who asked for it. Counts for an event that comes later only where the asker owns it.
  CREATE TABLE deleted_ids (
    id BLOB NOT NULL,
    pubkey BLOB NOT NULL,
    PRIMARY KEY (id, pubkey)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- NIP-62: whose events up to which created_at are gone for ever.
  CREATE TABLE vanished (
    pubkey BLOB PRIMARY KEY,
    until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- NIP-62: of whom there is still something to be taken off the disk; hidden until it is (vanishing.ts).
  CREATE TABLE vanishing (
    pubkey BLOB PRIMARY KEY,
    until INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Up to which created_at events of a kind were taken away for want of room, under which bound (floors.ts).
  CREATE TABLE floors (
    kind INTEGER NOT NULL,
    cause TEXT NOT NULL,
    until INTEGER NOT NULL,
    bound INTEGER NOT NULL,
    PRIMARY KEY (kind, cause)
  ) STRICT, WITHOUT ROWID;

  -- How the file was left (condition.ts).
  CREATE TABLE facts (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- Written and emptied again to learn whether there is room (health.ts).
  CREATE TABLE probe (
    room BLOB NOT NULL
  ) STRICT;
  `,
  `
  -- NIP-86: what admins decided (moderation.ts).
  CREATE TABLE moderation (
    list TEXT NOT NULL,
    subject TEXT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (list, subject)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- NIP-09: what was deleted and is still to be taken off the disk; hidden until it is (doomed.ts).
  CREATE TABLE doomed (
    id BLOB PRIMARY KEY
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Up to which event the index of tags is whole (tag-index.ts).
  INSERT INTO facts (name, value) SELECT 'tagged', coalesce(max(seq), 0) FROM events;
  `,
]

/** In memory, made anew at every start: entries of the index of tags that are not in the file yet (tag-index.ts). */
const FRESH_TAGS = `
  CREATE TEMP TABLE fresh_tags (
    key BLOB NOT NULL,
    age INTEGER NOT NULL,
    id BLOB NOT NULL,
    kind INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (key, age, id)
  ) STRICT, WITHOUT ROWID;
`

/** 'kspr' */
const APPLICATION_ID = 0x6b737072

export interface OpenOptions {
  readonly log?: Log
  /** False: also a file that is damaged is opened, to save what can be read. Default true. */
  readonly check?: boolean
}

/**
 * Opens or makes the file, alone: a second process on it is refused. A file that was not left in order is checked first.
 * Throws a Fault('store') that says what to do.
 */
export const openDatabase = (file: string, options: OpenOptions = {}): Database.Database => {
  try {
    // Private events may be in it: the file is its owner's only. SQLite gives its side files the same mode.
    if (file !== ':memory:') closeSync(openSync(file, 'a', 0o600))
    const walBytes = walBytesOf(file)
    const db = new Database(file, { timeout: 1_000 })
    try {
      prepare(db, walBytes, options)
      return db
    } catch (error) {
      db.close()
      throw error
    }
  } catch (error) {
    throw new Fault('store', `cannot open ${file}: ${advice(error)}`, { cause: error })
  }
}

/**
 * Pages of 4 KiB: what a commit may have to wait for is bounded, and a page that many commits write is written to the file
 * once. A quarter of this costs a third more of the CPU for each event.
 */
const AUTO_CHECKPOINT_PAGES = 4_000
/** What the log of commits is cut back to after a burst. */
const KEPT_WAL_BYTES = 16 * 1024 * 1024

const prepare = (db: Database.Database, walBytes: number, { log = silentLog, check = true }: OpenOptions): void => {
  // One process, one connection: no shared memory file, and two relays never share a database by mistake.
  db.pragma('locking_mode = EXCLUSIVE')
  // For a new file only, and only before anything is written: `ksp relay compact` converts others.
  db.pragma('auto_vacuum = INCREMENTAL')
  db.pragma('journal_mode = WAL')
  // OK true is a promise: a commit is on the disk when it returns. The library's own default for WAL is NORMAL.
  db.pragma('synchronous = FULL')
  // Small, because the system caches the file too: with sixteen times as much an event costs no less, also among a million.
  db.pragma('cache_size = -4096')
  db.pragma('temp_store = MEMORY')
  db.pragma(`wal_autocheckpoint = ${AUTO_CHECKPOINT_PAGES}`)
  db.pragma(`journal_size_limit = ${KEPT_WAL_BYTES}`)
  const version = versionOf(db)
  if (check && !wasLeftInOrder(db, walBytes)) checkIntegrity(db, log)
  // Takes the write lock even where nothing is to be done, so that a second relay fails now and not later.
  const start = db.transaction(() => {
    for (const migration of MIGRATIONS.slice(version)) db.exec(migration)
    db.pragma(`application_id = ${APPLICATION_ID}`)
    db.pragma(`user_version = ${MIGRATIONS.length}`)
    openCondition(db).started()
  })
  db.exec(FRESH_TAGS)
  try {
    start.immediate()
    // Into the file itself: its log of commits may be lost.
    db.pragma('wal_checkpoint(TRUNCATE)')
  } catch (error) {
    // What is stored can be served all the same; the first event that comes will tell (health.ts).
    if (version < MIGRATIONS.length || !isFull(error)) throw error
    log.warn('disk-full', { reason: reasonOf(error) })
  }
}

const isFull = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'SQLITE_FULL' || error.code === 'SQLITE_IOERR_WRITE')

/** How many migrations have run. Throws where the file is not a relay's, or is of a later one. */
const versionOf = (db: Database.Database): number => {
  const owner = db.pragma('application_id', { simple: true })
  const version = Number(db.pragma('user_version', { simple: true }))
  if (owner !== APPLICATION_ID) {
    const { tables } = db.prepare<[], { tables: number }>('SELECT count(*) AS tables FROM sqlite_schema').get() ?? {}
    if (owner !== 0 || tables !== 0) throw new Error('it is the database of another program: choose another file')
  }
  if (version > MIGRATIONS.length) throw new Error('a newer version of this relay made it: run that version')
  return version
}

const advice = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
  if (code === 'SQLITE_BUSY') return 'another process has it open: stop that one, or choose another file'
  if (error instanceof Damaged || code?.startsWith('SQLITE_CORRUPT') === true) {
    return `it is damaged (${reasonOf(error)}): restore a backup with ksp relay restore, or save what can be read with ksp relay export`
  }
  if (code === 'EACCES' || code === 'EROFS' || code?.startsWith('SQLITE_READONLY') === true) {
    return 'this user may not write to it: change its owner or its mode, or choose another file'
  }
  if (isFull(error)) return 'the disk is full: make room'
  if (code === 'SQLITE_NOTADB') return 'it is no SQLite database: choose another file'
  if (code === 'EISDIR') return 'it is a folder: name a file in it'
  if (code === 'ENOENT') return 'its folder does not exist: make it first'
  return reasonOf(error)
}
