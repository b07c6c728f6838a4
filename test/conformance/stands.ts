import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { builtProgram, startChild } from '../../src/ops/child.js'
import type { Child } from '../../src/ops/child.js'
import type { Author } from './author.js'
import { newAuthor } from './author.js'
import { fetchDocument } from './document.js'
import type { RelayDocument } from './document.js'
import { expect } from './rule.js'

/**
 * How a relay stands: as anybody finds it, or set up by its operator in a way that some rules need. The latter only for our
 * own, which are started here, as processes, in a folder that goes with them.
 */
export const STAND_NAMES = ['open', 'lists', 'named', 'work', 'rates', 'managed', 'process'] as const
export type StandName = (typeof STAND_NAMES)[number]

export interface Keys {
  /** May write, where only some may. */
  readonly writer: Author
  readonly reader: Author
  /** May write kinds 30000 to 30599, where only some may. */
  readonly kapnet: Author
  /** May manage the relay over HTTP. */
  readonly admin: Author
}

export interface Started {
  readonly url: string
  readonly child: Child
}

export interface OwnRelay {
  readonly keys: Keys
  /** By which clients know it, besides its address. */
  readonly publicUrl: string
  /** Of `work`. */
  readonly minPow: number
  /** Of `rates`: events that are taken at once of one connection, and of one author. */
  readonly burst: { readonly connection: number; readonly author: number }
  /** A list of keys, as its operator changes it. */
  writeList(name: keyof Keys, authors: readonly Author[]): void
  /** One more relay. The same `db` again: the same events. */
  start(db: string, args?: readonly string[]): Promise<Started>
  /** `ksp relay VERB ...`, in the folder of all these files. Rejects unless it ends with 0. */
  run(verb: string, args: readonly string[]): Promise<void>
}

export interface Stand {
  readonly url: string
  readonly document: RelayDocument | undefined
  readonly own: OwnRelay
}

export interface OwnStands {
  /** Starts it, the first time. */
  open(name: StandName): Promise<Stand>
  close(): Promise<void>
}

export const PUBLIC_URL = 'wss://conformance.example/relay'
const MIN_POW = 8
/** Ten seconds' worth at once (docs/cli.md). */
const RATE = 3
const KEY_RATE = 1
const BURST_SEC = 10

export const openOwnStands = (timeoutMs: number): OwnStands => {
  const dir = mkdtempSync(join(tmpdir(), 'ksp-conformance-'))
  const children: Child[] = []
  const stands = new Map<StandName, Promise<Stand>>()
  const keys: Keys = { writer: newAuthor(), reader: newAuthor(), kapnet: newAuthor(), admin: newAuthor() }
  const listFile = (name: keyof Keys): string => join(dir, `${name}.txt`)
  const writeList: OwnRelay['writeList'] = (name, authors) =>
    writeFileSync(listFile(name), authors.map(({ pubkey }) => `${pubkey}\n`).join(''))
  for (const name of ['writer', 'reader', 'kapnet', 'admin'] as const) writeList(name, [keys[name]])

  const start: OwnRelay['start'] = async (db, args = []) => {
    const where = ['--listen', '127.0.0.1:0', '--db', join(dir, `${db}.sqlite`)]
    const child = startChild(builtProgram('relay/main.js'), [...where, ...args], { cwd: dir })
    children.push(child)
    return { child, url: (await child.line(/^ready ws:/)).slice('ready '.length) }
  }
  const run: OwnRelay['run'] = async (verb, args) => {
    const child = startChild(builtProgram('relay/main.js'), [verb, ...args], { cwd: dir })
    children.push(child)
    const { code } = await child.ended
    expect(code === 0, `ksp relay ${verb} ended with ${code}: ${child.err.slice(-2).join(' | ')}`)
  }
  const own: OwnRelay = {
    ...{ keys, writeList, start, run },
    publicUrl: PUBLIC_URL,
    minPow: MIN_POW,
    burst: { connection: RATE * BURST_SEC, author: KEY_RATE * BURST_SEC },
  }

  const argsOf: Record<StandName, readonly string[]> = {
    open: [],
    lists: ['--allow-write', listFile('writer'), '--allow-read', listFile('reader'), '--admin', listFile('admin')],
    named: ['--public-url', PUBLIC_URL, '--allow-kapnet', listFile('kapnet')],
    work: ['--min-pow', String(MIN_POW)],
    rates: ['--rate', String(RATE), '--key-rate', String(KEY_RATE)],
    managed: ['--admin', listFile('admin')],
    process: [],
  }

  const begin = async (name: StandName): Promise<Stand> => {
    // Its rules start relays of their own; what they are called by is of no use.
    const url = name === 'process' ? '' : (await start(name, argsOf[name])).url
    return { url, own, document: url === '' ? undefined : await fetchDocument(url, timeoutMs) }
  }

  return {
    open: (name) => {
      const known = stands.get(name) ?? begin(name)
      stands.set(name, known)
      return known
    },
    close: async () => {
      await Promise.all(children.map((child) => child.stop('SIGKILL')))
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
