import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, loadavg, totalmem } from 'node:os'
import { basename, dirname, join } from 'node:path'
import Database from 'better-sqlite3'

/** What the figures were taken on. */
export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly system: string
  /** How many processes wanted a core in the minute before the first figure: what others did meanwhile. */
  readonly loadBefore: number
  /** The name of the libsecp256k1 that was used. */
  readonly library?: string
  readonly versions: Readonly<Record<string, string>>
}

export const loadNow = (): number => Number(loadavg()[0]?.toFixed(1) ?? 0)

const PACKAGES = ['ws', 'better-sqlite3', 'koffi', '@nostr-relay/core'] as const

export const machineOf = (library: string | undefined, loadBefore: number): Machine => ({
  loadBefore,
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  memoryGb: Math.round(totalmem() / 2 ** 30),
  system: `${process.platform} ${process.arch}`,
  ...(library === undefined ? {} : { library: basename(library) }),
  versions: { node: process.versions.node, sqlite: sqliteVersion(), ...packageVersions() },
})

const sqliteVersion = (): string => {
  const db = new Database(':memory:')
  try {
    return db.prepare<[], string>('SELECT sqlite_version()').pluck().get() ?? 'unknown'
  } finally {
    db.close()
  }
}

const packageVersions = (): Record<string, string> => {
  const require = createRequire(import.meta.url)
  const versions: Record<string, string> = {}
  for (const name of PACKAGES) {
    try {
      versions[name] = versionAbove(require.resolve(name))
    } catch {
      // An optional one that is not there.
      continue
    }
  }
  return versions
}

/** Of the package that a file belongs to: not every package hands out its package.json by name. */
const versionAbove = (file: string): string => {
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder)) {
    const path = join(folder, 'package.json')
    if (!existsSync(path)) continue
    const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version?: string }
    if (version !== undefined) return version
  }
  return 'unknown'
}
