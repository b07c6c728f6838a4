import { fileURLToPath } from 'node:url'
import { builtProgram } from '../../src/ops/child.js'
import type { Child } from '../../src/ops/child.js'
import type { CeilingTask } from './relay-ceiling.js'
import type { Workplace } from './relay-workplace.js'

/** Who is measured side by side. Each is started anew for each figure, on a file of its own. */
export interface Contestant {
  readonly name: ContestantName
  /** What stands in the tables. */
  readonly words: string
  /** Where there is no libsecp256k1 it has to be left out. */
  readonly needsNative: boolean
  /** What it is asked; the probe knows no more than EVENT. */
  readonly questions: readonly QuestionName[]
  /** Whose form its file has: what fills it with events before it starts. */
  readonly fill: FillName
  /** One event in so many is enough to know its rate: it would take minutes otherwise. */
  readonly thinning: number
  /** `flags` are node's. */
  start(workplace: Workplace, db: string, flags?: readonly string[]): Child
}

export type QuestionName = 'ingest_10' | 'ingest_1' | 'query' | 'fan_out' | 'paced' | 'sync'
export type FillName = 'fill' | 'fillNpm' | 'fillCeiling'

export type ContestantName = 'native' | 'wasm' | 'npm' | 'ceiling' | 'ceilingWorker'

const INGEST: readonly QuestionName[] = ['ingest_10', 'ingest_1']

const npmRelay = fileURLToPath(new URL('../../../test/support/npm-relay.mjs', import.meta.url))

/** Full validation and FULL durability are its defaults: no option here makes it faster. */
const startOurs =
  (engine: string): Contestant['start'] =>
  (workplace, db, flags = []) => {
    const args = ['--listen', '127.0.0.1:0', '--db', db, '--engine', engine, '--exit-with-parent']
    return workplace.start([...flags, builtProgram('relay/main.js'), ...args])
  }

const startCeiling =
  (worker: boolean): Contestant['start'] =>
  (workplace, db) =>
    workplace.startPart('ceiling', { db, worker } satisfies CeilingTask)

export const CONTESTANTS: readonly Contestant[] = [
  {
    name: 'native',
    words: 'this relay, native engine',
    needsNative: true,
    questions: [...INGEST, 'query', 'fan_out', 'paced', 'sync'],
    fill: 'fill',
    thinning: 1,
    start: startOurs('native'),
  },
  {
    name: 'wasm',
    words: 'this relay, WASM engine',
    needsNative: false,
    questions: [...INGEST, 'fan_out', 'paced'],
    fill: 'fill',
    thinning: 1,
    start: startOurs('wasm'),
  },
  {
    name: 'npm',
    words: '`@nostr-relay`',
    needsNative: false,
    questions: [...INGEST, 'query', 'fan_out', 'paced'],
    fill: 'fillNpm',
    thinning: 10,
    start: (workplace, db) => workplace.start([npmRelay, '--listen', '127.0.0.1:0', '--db', db]),
  },
  {
    name: 'ceiling',
    words: 'ceiling probe, one thread',
    needsNative: true,
    questions: INGEST,
    fill: 'fillCeiling',
    thinning: 1,
    start: startCeiling(false),
  },
  {
    name: 'ceilingWorker',
    words: 'ceiling probe, verifying in a worker thread',
    needsNative: true,
    questions: INGEST,
    fill: 'fillCeiling',
    thinning: 1,
    start: startCeiling(true),
  },
]

/** Resolves with where it listens. Rejects with what it said on stderr where it does not start. */
export const urlOf = async (child: Child): Promise<string> => (await child.line(/^ready ws:/)).slice('ready '.length)
