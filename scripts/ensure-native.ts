import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { reasonOf } from '../src/core/fault.js'
import { nativeEngine } from '../src/crypto/engine-native.js'

/**
 * Sees to it that there is a libsecp256k1 for tests and measurements: the system's, or Debian's package unpacked into
 * .cache (nothing is installed, and no root is needed).
 */

/** Newest binary interface that a release of Debian or Ubuntu has packaged first; `-0` came before version 0.1.0. */
const PACKAGES = ['libsecp256k1-6', 'libsecp256k1-5', 'libsecp256k1-2', 'libsecp256k1-1']
const FETCH_MS = 60_000

export type Native =
  | { readonly library: string }
  /** `expected`: there are Debian's tools here, with which it should have come. */
  | { readonly missing: string; readonly expected: boolean }

/** Resolves with the library, which a program finds by KSP_LIBSECP256K1, or with the reason why there is none. */
export const ensureNative = async (): Promise<Native> => {
  let missing: string
  try {
    const { library = '' } = await nativeEngine()
    return { library }
  } catch (error) {
    missing = reasonOf(error)
  }
  if ((process.env['KSP_LIBSECP256K1'] ?? '') !== '') return { missing, expected: true }
  if (!existsSync('/usr/bin/apt-get') || !existsSync('/usr/bin/dpkg-deb')) return { missing, expected: false }
  try {
    const home = join(projectRoot(), '.cache', `libsecp256k1-${process.arch}`)
    const library = unpackedIn(home) ?? (await fetchInto(home))
    await nativeEngine([library])
    return { library }
  } catch (error) {
    return { missing: `${missing}; and it could not be fetched: ${reasonOf(error)}`, expected: true }
  }
}

/** The package is made ready aside and moved into place whole: another run may be doing the same. */
const fetchInto = async (home: string): Promise<string> => {
  mkdirSync(dirname(home), { recursive: true })
  const aside = mkdtempSync(`${home}-`)
  try {
    const file = (await download(aside, [])) ?? (await downloadByOwnLists(aside))
    await run('dpkg-deb', ['-x', file, 'unpacked'], aside)
    if (unpackedIn(home) === undefined) {
      rmSync(home, { recursive: true, force: true })
      renameSync(join(aside, 'unpacked'), home)
    }
  } catch (error) {
    // Where another run was faster, its library is as good as ours.
    if (unpackedIn(home) === undefined) throw error
  } finally {
    rmSync(aside, { recursive: true, force: true })
  }
  const library = unpackedIn(home)
  if (library === undefined) throw new Error('the package holds no libsecp256k1.so')
  return library
}

/** For machines whose package lists are old, empty, or not ours to renew: lists of our own. */
const downloadByOwnLists = async (folder: string): Promise<string> => {
  mkdirSync(join(folder, 'state', 'lists', 'partial'), { recursive: true })
  mkdirSync(join(folder, 'cache', 'archives', 'partial'), { recursive: true })
  const own = [
    ...['-o', `Dir::State=${folder}/state`, '-o', 'Dir::State::status=/var/lib/dpkg/status'],
    ...['-o', `Dir::Cache=${folder}/cache`],
  ]
  await run('apt-get', [...APT, ...own, 'update'], folder)
  const file = await download(folder, own)
  if (file === undefined) throw new Error(`apt-get finds none of ${PACKAGES.join(', ')}`)
  return file
}

// A user of apt's own, to whom it would hand the download, may not write into our folder.
const APT = ['-q', '-o', 'APT::Sandbox::User=root', '-o', 'Acquire::Retries=1', '-o', 'Acquire::http::Timeout=15']

const download = async (folder: string, options: readonly string[]): Promise<string | undefined> => {
  for (const name of PACKAGES) {
    try {
      await run('apt-get', [...APT, ...options, 'download', name], folder)
    } catch {
      // Each release has one of them.
      continue
    }
    const file = readdirSync(folder).find((entry) => entry.endsWith('.deb'))
    if (file !== undefined) return join(folder, file)
  }
  return undefined
}

const run = async (program: string, args: readonly string[], cwd: string): Promise<void> => {
  await promisify(execFile)(program, args, { cwd, timeout: FETCH_MS, env: { ...process.env, LC_ALL: 'C' } })
}

const unpackedIn = (home: string): string | undefined => {
  if (!existsSync(home)) return undefined
  const found = readdirSync(home, { recursive: true, encoding: 'utf8' }).find((path) =>
    /\/libsecp256k1\.so\.\d+$/.test(path),
  )
  return found === undefined ? undefined : join(home, found)
}

/** From scripts/ as well as from dist/scripts/. */
const projectRoot = (): string => {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder)
  return folder
}
