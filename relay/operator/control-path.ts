import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Fault } from '../../src/core/fault.js'

/** What every system takes as a socket's path, with room for what a library adds. */
const MAX_SOCKET_BYTES = 100

/**
 * The control socket of the relay that has this file open: beside the file, or where that path is too long in a private
 * folder of the system's temporary one. The same file always leads to the same socket. Undefined where the file is in memory.
 */
export const controlPath = (file: string): string | undefined => {
  if (file === ':memory:') return undefined
  const path = realpathSync(file)
  const near = `${path}.sock`
  if (Buffer.byteLength(near) <= MAX_SOCKET_BYTES) return near
  const hash = createHash('sha256').update(path).digest('hex').slice(0, 16)
  const base = tmpdir().length < 60 ? tmpdir() : '/tmp'
  return join(privateFolder(join(base, `ksp-${process.getuid?.() ?? 'user'}`)), `relay-${hash}.sock`)
}

/** The temporary folder is everybody's: a folder that another user made first would be theirs to listen in. */
const privateFolder = (folder: string): string => {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const stat = lstatSync(folder)
  const isOurs = stat.isDirectory() && (process.getuid === undefined || stat.uid === process.getuid())
  if (!isOurs || (process.platform !== 'win32' && (stat.mode & 0o077) !== 0)) {
    throw new Fault('relay', `${folder} is no private folder of this user: choose a shorter path with --db`)
  }
  return folder
}
