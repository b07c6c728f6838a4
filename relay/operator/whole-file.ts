import { closeSync, existsSync, fsyncSync, openSync, readSync, rmSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { Fault } from '../../src/core/fault.js'
import { silentLog } from '../log.js'
import { checkIntegrity, openCondition } from '../store/condition.js'
import { openDatabase } from '../store/schema.js'

/** Files as a whole: whether one is a sound database of a relay, and that it is on the disk. */

/** SQLite's header: its magic first, the id of the application at 68. */
const HEADER_BYTES = 100
const MAGIC = 'SQLite format 3\0'
const APPLICATION_AT = 68
const RELAY = 'kspr'

/** What is wrong with the header, in words that follow the file's name; undefined for that of a relay's database. */
export const headerFlaw = (file: string): string | undefined => {
  const header = Buffer.alloc(HEADER_BYTES)
  const fd = openSync(file, 'r')
  try {
    readSync(fd, header, 0, HEADER_BYTES, 0)
  } finally {
    closeSync(fd)
  }
  if (header.toString('latin1', 0, MAGIC.length) !== MAGIC) return 'is no SQLite database'
  return header.toString('latin1', APPLICATION_AT, APPLICATION_AT + 4) === RELAY
    ? undefined
    : 'is the database of another program'
}

export interface Sound {
  readonly events: number
  readonly bytes: number
}

/** Checks every page and index of a file that nobody has open, and leaves it in order. Throws with what is wrong first. */
export const checkWhole = (file: string): Sound => {
  const flaw = headerFlaw(file)
  if (flaw !== undefined) throw new Fault('relay', `${file} ${flaw}`)
  const db = openDatabase(file, { log: silentLog, check: false })
  let events: number
  try {
    checkIntegrity(db, silentLog)
    events = db.prepare<[], number>('SELECT count(*) FROM events').pluck().get() ?? 0
    openCondition(db).stopped()
  } finally {
    db.close()
  }
  onDisk(file)
  return { events, bytes: statSync(file).size }
}

export const onDisk = (path: string): void => {
  const fd = openSync(path, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** The names in the folder of a file, so that a rename outlives a power cut. */
export const folderOnDisk = (file: string): void => {
  if (process.platform !== 'win32') onDisk(dirname(file))
}

const SIDE_FILES = ['-wal', '-shm', '-journal']

export const removeDatabase = (file: string): void => {
  for (const path of [file, ...SIDE_FILES.map((side) => file + side)]) rmSync(path, { force: true })
}

/** Before another file takes its name: beside that one, its log would be taken for the new one's. */
export const removeSideFiles = (file: string): void => {
  for (const side of SIDE_FILES) rmSync(file + side, { force: true })
}

/** Makes an empty file that is its owner's only. Throws where one is there. */
export const makePrivate = (file: string): void => closeSync(openSync(file, 'wx', 0o600))

const COPY_BYTES = 1024 * 1024

/** A copy that is its owner's only from the first byte; the system's own copying would take over the mode of what it copies. */
export const copyPrivately = (from: string, to: string): void => {
  makePrivate(to)
  const [source, target] = [openSync(from, 'r'), openSync(to, 'w')]
  try {
    const piece = Buffer.alloc(COPY_BYTES)
    for (let bytes = readSync(source, piece); bytes > 0; bytes = readSync(source, piece)) {
      for (let at = 0; at < bytes;) at += writeSync(target, piece, at, bytes - at)
    }
  } finally {
    closeSync(source)
    closeSync(target)
  }
}

/** Whatever --force says: to rename something over the file of a relay that runs would lose all that it takes in from then on. */
export const refuseOwnFile = (target: string, db: string): void => {
  const own = [db, ...SIDE_FILES.map((side) => db + side), `${db}.sock`].map(identityOf)
  const identity = identityOf(target)
  if (identity !== undefined && own.includes(identity)) {
    throw new Fault('relay', `${target} belongs to the relay's own file: choose another name`)
  }
}

/** The same for every name of one file. */
const identityOf = (path: string): string | undefined => {
  const stat = statSync(path, { throwIfNoEntry: false, bigint: true })
  return stat === undefined ? undefined : `${stat.dev}:${stat.ino}`
}

export const refuseToOverwrite = (file: string, force: boolean): void => {
  const there = statSync(file, { throwIfNoEntry: false })
  if (there?.isDirectory() === true) throw new Fault('relay', `${file} is a folder: name a file in it`)
  if (there !== undefined && !force) throw new Fault('relay', `${file} exists: choose another name, or add --force`)
  if (!existsSync(dirname(file))) throw new Fault('relay', `the folder of ${file} does not exist: make it first`)
}
