import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Config } from './config-type.js'
import type { Environment } from './find-config.js'
import { ConfigError } from './report.js'

/** Every system takes 103; the rest is for what a library may add. */
const MAX_SOCKET_BYTES = 100

/**
 * The control socket: `ksp.sock` in the data folder, or where that is too long `ksp-<hash>.sock` in $XDG_RUNTIME_DIR or
 * in a private folder of the system's temporary one. The same data folder always leads to the same socket.
 */
export const socketPath = (config: Pick<Config, 'dataDir'>, env: Environment = process.env): string => {
  const near = join(config.dataDir, 'ksp.sock')
  if (Buffer.byteLength(near) <= MAX_SOCKET_BYTES) return near
  const hash = createHash('sha256').update(config.dataDir).digest('hex').slice(0, 16)
  const runtimeDir = env['XDG_RUNTIME_DIR']
  if (runtimeDir !== undefined && runtimeDir !== '') {
    const there = join(runtimeDir, `ksp-${hash}.sock`)
    if (Buffer.byteLength(there) <= MAX_SOCKET_BYTES) return there
  }
  const base = tmpdir().length < 60 ? tmpdir() : '/tmp'
  return join(privateFolder(join(base, `ksp-${process.getuid?.() ?? 'user'}`)), `ksp-${hash}.sock`)
}

/** The temporary folder is everyone's: a folder of that name which another user made first would be theirs to listen in. */
const privateFolder = (folder: string): string => {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const stat = lstatSync(folder)
  const ours = stat.isDirectory() && (process.getuid === undefined || stat.uid === process.getuid())
  if (!ours || (process.platform !== 'win32' && (stat.mode & 0o077) !== 0)) {
    const hint = 'name a shorter data_dir, or set XDG_RUNTIME_DIR'
    throw new ConfigError('bad-config', `${folder} is not a private folder of this user`, hint)
  }
  return folder
}
