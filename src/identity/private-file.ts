import {
  closeSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { randomBytes } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { reasonOf } from '../core/fault.js'
import { IdentityError } from './identity-error.js'

/** Files that hold secrets: read only where nobody else can read them, written whole or not at all. */

const WINDOWS = process.platform === 'win32'

/** As a shell takes it, so that a hint can be pasted. */
const quoted = (path: string): string => (/^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`)

const refuseIfOpen = (path: string, mode: number, what: string, chmod: string): void => {
  // Windows has no such modes; there the profile's own rights hold.
  if (WINDOWS || (mode & 0o077) === 0) return
  const octal = (mode & 0o777).toString(8).padStart(4, '0')
  throw new IdentityError(
    'too-open',
    `${what} ${path} is open to others (mode ${octal})`,
    `run: ${chmod} ${quoted(path)}`,
  )
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined

export const isAbsent = (error: unknown): boolean => codeOf(error) === 'ENOENT'

export interface PrivateRead {
  /** How it is called in a message: `keystore`, `passphrase file`. */
  readonly what: string
  readonly maxBytes: number
  /** The folder must be 0700 too. */
  readonly privateFolder?: boolean
  /** Who may read it is somebody else's care. */
  readonly anyMode?: boolean
}

/**
 * The text of a file of mode 0600 or tighter. The mode is that of the very file that is read, not of one that stood there
 * a moment before. Throws an IdentityError; a file that is absent gives the system's own ENOENT.
 */
export const readPrivate = (file: string, options: PrivateRead): string => {
  const fd = openSync(file, 'r')
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw new IdentityError('unreadable', `${options.what} ${file} is no file`, 'name a file')
    if (options.anyMode !== true) refuseIfOpen(file, stat.mode, options.what, 'chmod 600')
    if (options.privateFolder === true) checkPrivateFolder(dirname(realpathSync(file)))
    if (stat.size > options.maxBytes) {
      const why = `has ${stat.size} bytes, more than ${options.maxBytes}`
      throw new IdentityError('unreadable', `${options.what} ${file} ${why}`, 'is it the right file?')
    }
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}

/** At most `maxBytes` of what can be read from a descriptor that is open already. */
export const readDescriptor = (fd: number, maxBytes: number): string => {
  const buffer = Buffer.alloc(maxBytes + 1)
  try {
    let length = 0
    while (length < buffer.length) {
      const read = readSync(fd, buffer, length, buffer.length - length, null)
      if (read === 0) break
      length += read
    }
    if (length > maxBytes) {
      throw new IdentityError(
        'unreadable',
        `file descriptor ${fd} gives more than ${maxBytes} bytes`,
        'is it the right one?',
      )
    }
    return buffer.toString('utf8', 0, length)
  } finally {
    buffer.fill(0)
  }
}

export const checkPrivateFolder = (folder: string): void =>
  refuseIfOpen(folder, statSync(folder).mode, 'folder', 'chmod 700')

/** Makes the folder with mode 0700, or checks that it has it. */
export const makePrivateFolder = (folder: string): void => {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  checkPrivateFolder(folder)
}

/**
 * Writes a file of mode 0600 whole or not at all, also when the power goes. With `fresh` it must not exist yet: EEXIST.
 */
export const writePrivate = (file: string, text: string, options: { fresh?: boolean } = {}): void => {
  const folder = dirname(file)
  const temporary = join(folder, `.${basename(file)}.${process.pid}.${randomBytes(4).toString('hex')}`)
  const fd = openSync(temporary, 'wx', 0o600)
  try {
    try {
      writeFileSync(fd, text)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    // A hard link fails where the name is taken; a rename would replace it.
    if (options.fresh === true) linkSync(temporary, file)
    else renameSync(temporary, file)
  } catch (error) {
    unlinkIfThere(temporary)
    throw error
  }
  if (options.fresh === true) unlinkSync(temporary)
  if (WINDOWS) return
  const folderFd = openSync(folder, 'r')
  try {
    fsyncSync(folderFd)
  } finally {
    closeSync(folderFd)
  }
}

const unlinkIfThere = (file: string): void => {
  try {
    unlinkSync(file)
  } catch (error) {
    if (!isAbsent(error)) throw error
  }
}

/** Runs `change` while no other process of ours changes the same file. A lock whose owner is gone is taken over. */
export const withLock = <T>(file: string, change: () => T): T => {
  const lock = `${file}.lock`
  takeLock(lock, file, true)
  try {
    return change()
  } finally {
    unlinkIfThere(lock)
  }
}

const takeLock = (lock: string, file: string, again: boolean): void => {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
    if (again && !ownerLives(lock)) {
      unlinkIfThere(lock)
      takeLock(lock, file, false)
      return
    }
    throw new IdentityError(
      'busy',
      `${file} is being changed by another process`,
      `try again; if none runs, remove ${lock}`,
    )
  }
}

const ownerLives = (lock: string): boolean => {
  let pid: number
  try {
    pid = Number(readFileSync(lock, 'utf8'))
  } catch (error) {
    return !isAbsent(error)
  }
  // Empty: its owner has made it this instant and not yet signed.
  if (!Number.isSafeInteger(pid) || pid <= 0) return true
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return codeOf(error) !== 'ESRCH'
  }
}

/** Any failure to open a file, told in one line. */
export const unreadable = (what: string, file: string, error: unknown): IdentityError =>
  error instanceof IdentityError
    ? error
    : new IdentityError('unreadable', `${what} ${file} can't be read: ${reasonOf(error)}`, 'is it the right file?', {
        cause: error,
      })
