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
  /** Answers EVENT only. */
  readonly ingestOnly: boolean
  /** One event in so many is enough to know its rate: it would take minutes otherwise. */
  readonly thinning: number
  start(workplace: Workplace, db: string): Child
}

export type ContestantName = 'native' | 'wasm' | 'npm' | 'ceiling' | 'ceilingWorker'

/** Full validation and FULL durability are its defaults: no option here makes it faster. */
const ours = (workplace: Workplace, db: string, engine: string): Child =>
  workplace.start([
    builtProgram('relay/main.js'),
    ...['--listen', '127.0.0.1:0', '--db', db, '--engine', engine, '--exit-with-parent'],
  ])

const npmRelay = fileURLToPath(new URL('../../../test/support/npm-relay.mjs', import.meta.url))

const ceiling = (workplace: Workplace, task: CeilingTask): Child => workplace.startPart('ceiling', task)

export const CONTESTANTS: readonly Contestant[] = [
  {
    name: 'native',
    words: 'this relay, native engine',
    ...{ needsNative: true, ingestOnly: false, thinning: 1 },
    start: (workplace, db) => ours(workplace, db, 'native'),
  },
  {
    name: 'wasm',
    words: 'this relay, WASM engine',
    ...{ needsNative: false, ingestOnly: false, thinning: 1 },
    start: (workplace, db) => ours(workplace, db, 'wasm'),
  },
  {
    name: 'npm',
    words: '`@nostr-relay`',
    ...{ needsNative: false, ingestOnly: false, thinning: 10 },
    start: (workplace, db) => workplace.start([npmRelay, '--listen', '127.0.0.1:0', '--db', db]),
  },
  {
    name: 'ceiling',
    words: 'ceiling probe, one thread',
    ...{ needsNative: true, ingestOnly: true, thinning: 1 },
    start: (workplace, db) => ceiling(workplace, { db, worker: false }),
  },
  {
    name: 'ceilingWorker',
    words: 'ceiling probe, verifying in a worker thread',
    ...{ needsNative: true, ingestOnly: true, thinning: 1 },
    start: (workplace, db) => ceiling(workplace, { db, worker: true }),
  },
]

/** Resolves with where it listens. Rejects with what it said on stderr where it does not start. */
export const urlOf = async (child: Child): Promise<string> => (await child.line(/^ready ws:/)).slice('ready '.length)
