import { existsSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'

/**
 * Where the system's libsecp256k1 may be. Every name carries the number of its binary interface: a bare `.so` belongs to
 * whoever compiles against the library and may be of any version.
 */

/** Of binary interfaces that have what we call, newest first. Whether a file really does is seen by its symbols. */
const VERSIONS = [6, 5, 2, 1, 0]

const TRIPLETS: Readonly<Partial<Record<NodeJS.Architecture, string>>> = {
  arm: 'arm-linux-gnueabihf',
  arm64: 'aarch64-linux-gnu',
  ia32: 'i386-linux-gnu',
  loong64: 'loongarch64-linux-gnu',
  ppc64: 'powerpc64le-linux-gnu',
  riscv64: 'riscv64-linux-gnu',
  s390x: 's390x-linux-gnu',
  x64: 'x86_64-linux-gnu',
}

const LINUX_FOLDERS = ['/usr/local/lib', '/usr/lib64', '/usr/lib', '/home/linuxbrew/.linuxbrew/lib']
const DARWIN_FOLDERS = ['/opt/homebrew/lib', '/usr/local/lib', '/opt/local/lib']

export interface System {
  readonly platform: NodeJS.Platform
  readonly arch: NodeJS.Architecture
  readonly env: Readonly<Record<string, string | undefined>>
  readonly exists: (path: string) => boolean
}

const thisSystem: System = { platform: process.platform, arch: process.arch, env: process.env, exists: existsSync }

/**
 * Files to try, best first; empty where there is none. `KSP_LIBSECP256K1` names the only one. On Linux bare names come
 * last, for the loader to look up where it was told to; on macOS they don't, since there it also looks in the working
 * directory, where anyone may have put one.
 */
export const secp256k1Places = (system: System = thisSystem): string[] => {
  const { platform, arch, env, exists } = system
  const named = env['KSP_LIBSECP256K1'] ?? ''
  if (named !== '') return [named]
  if (platform === 'darwin') {
    const names = [...VERSIONS.map((v) => `libsecp256k1.${v}.dylib`), 'libsecp256k1.dylib']
    return across(names, DARWIN_FOLDERS).filter(exists)
  }
  if (platform !== 'linux') return []
  const names = VERSIONS.map((v) => `libsecp256k1.so.${v}`)
  const triplet = TRIPLETS[arch]
  const folders = triplet === undefined ? LINUX_FOLDERS : [`/usr/lib/${triplet}`, ...LINUX_FOLDERS]
  return [...across(names, folders).filter(exists), ...names]
}

/** Why a place named by hand can't be used; undefined for all others. */
export const placeFlaw = (place: string, exists: (path: string) => boolean = existsSync): string | undefined => {
  // The loader's own word for a file that isn't there reads as if one of its parts were missing.
  if (isAbsolute(place)) return exists(place) ? undefined : `${place} does not exist`
  return place.includes('/') ? `${place} is not an absolute path` : undefined
}

const across = (names: readonly string[], folders: readonly string[]): string[] =>
  names.flatMap((name) => folders.map((folder) => join(folder, name)))
