import { homedir } from 'node:os'
import { describe, expect, it } from 'vitest'
import { filesBelow, readText, ROOT } from './sources.js'
import { textOf, trackedFiles } from './tracked-files.js'

/** What must not get into the tree: traces of the machine that built it, and addresses that others can't reach. */

const files = trackedFiles()
const json = (path: string): unknown => JSON.parse(readText(path))

/** `path:line  what stands there`, for every line of a tracked text that matches one of these. */
const found = (patterns: readonly RegExp[]): string[] =>
  files.flatMap((path) => {
    const text = textOf(path)
    if (text === undefined || !patterns.some((pattern) => pattern.test(text))) return []
    return text
      .split('\n')
      .flatMap((line, i) =>
        patterns.some((pattern) => pattern.test(line)) ? [`${path}:${i + 1}  ${line.trim().slice(0, 120)}`] : [],
      )
  })

const literally = (path: string): RegExp =>
  new RegExp(`(?<![\\w.])${path.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\w])`)

describe('the lock file', () => {
  it('says nowhere from which address a package came', () => {
    const { packages } = json('package-lock.json') as { packages: Record<string, { resolved?: string }> }
    const addressed = Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined)

    expect(addressed.map(([name]) => name)).toEqual([])
  })

  it('has a checksum for every package, so that any registry gives the same', () => {
    const { packages } = json('package-lock.json') as {
      packages: Record<string, { integrity?: string; link?: boolean }>
    }
    const unchecked = Object.entries(packages).filter(
      ([name, { integrity, link, ...rest }]) =>
        name !== '' && integrity === undefined && link !== true && !('inBundle' in rest),
    )

    expect(unchecked.map(([name]) => name)).toEqual([])
  })

  it('is of this version of the package', () => {
    const { version } = json('package.json') as { version: string }

    expect((json('package-lock.json') as { version: string }).version).toBe(version)
  })
})

describe('tracked files', () => {
  it('hold no path of the machine they were made on', () => {
    const folders = [
      /(?<![\w.])\/(root|work|workspace|Users|builds|github\/workspace)\//,
      /(?<![\w.])\/home\/\w+\/\w/,
      /[A-Z]:\\Users\\/,
    ]
    // Where this very checkout stands, and whose home it is; a folder such as / or /app names nobody.
    const here = [ROOT.replace(/\/$/, ''), homedir()].filter((path) => path.split('/').length > 2).map(literally)

    expect(found([...folders, ...here])).toEqual([])
  })

  it('hold no address of a registry, and no token for one', () => {
    expect(
      found([
        /\/\/[\w.-]*(registry|artifactory|verdaccio|npmmirror|nexus)[\w-]*\.[a-z]/i,
        /^\s*(@[\w-]+:)?registry\s*=/,
        /_auth[T]oken|npm_[A-Za-z0-9]{36}/,
      ]),
    ).toEqual([])
  })

  it('are no database, no log and no key', () => {
    const allowed = (path: string): boolean => path.startsWith('test/fixtures/')
    const strange = files.filter((path) =>
      /(\.(sqlite|db|log|pem|nsec|ncryptsec)|keystore\.json|passphrase)$/.test(path),
    )

    expect(strange.filter((path) => !allowed(path))).toEqual([])
  })
})

describe('the package', () => {
  interface Package {
    readonly bin: Record<string, string>
    readonly exports: Record<string, string | Record<string, string>>
    readonly files: readonly string[]
    readonly scripts: Record<string, string>
  }
  const { bin, exports, files: packed, scripts } = json('package.json') as Package
  /** What tsc makes dist/x.js and dist/x.d.ts of. */
  const sourceOf = (built: string): string => built.replace(/^(\.\/)?dist\//, '').replace(/(\.d)?\.(js|ts)$/, '.ts')
  const there = new Set(['src', 'relay', 'scripts', 'kinds', 'docs'].flatMap((folder) => filesBelow(folder, [''])))

  it('names programs and entries that are there', () => {
    const named = [
      ...Object.values(bin),
      ...Object.values(exports).flatMap((entry) => (typeof entry === 'string' ? [entry] : Object.values(entry))),
      ...Object.values(scripts).flatMap((script) => script.match(/(dist|scripts)\/[\w/-]+\.m?js/g) ?? []),
    ].filter((path) => !path.includes('*') && path !== './package.json')

    expect(named.filter((path) => !there.has(sourceOf(path)) && !there.has(path))).toEqual([])
  })

  it('packs files that are there', () => {
    const top = new Set(files.flatMap((path) => [path, path.split('/')[0] ?? '']))
    const source = (path: string): string => path.replace(/^dist\//, '')

    expect(packed.filter((path) => !top.has(source(path)))).toEqual([])
  })
})
