import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { canonical } from '../../../src/core/canonical.js'
import { pairScope, type Decision, type NewStrand, type Owed } from '../../../src/core/decision.js'
import type { Dependency, NodeInfo, Txxm } from '../../../src/core/envelope-types.js'
import { strandOf } from '../../../src/core/strand.js'
import type {
  Destination,
  EventId,
  HermId,
  JsonValue,
  MessageId,
  Pubkey,
  UnixMs,
  UnixSec,
} from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import type { BraidReader, Clock, Store } from '../../../src/ports.js'
import { openStore } from '../../../src/store/open.js'

/** Builds data for the store's tests. Nothing here asserts. */

export const START = 1_750_000_000_000 as UnixMs

export const manualClock = (): Clock & { advance: (ms: number) => void } => {
  let now: number = START
  return {
    now: () => now as UnixMs,
    sleep: () => Promise.resolve(),
    advance: (ms) => {
      now += ms
    },
  }
}

/** A 32-byte id from a word: the same word, the same id. */
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
export const hex = <T extends string>(word: string): T => nodeHashes.sha256Hex(word) as T
export const key = (name: string): Pubkey => hex<Pubkey>(`key ${name}`)
export const event = (name: string): EventId => hex<EventId>(`event ${name}`)

export const ME = key('me')
export const ALICE = key('alice')
export const BOB = key('bob')
export const WITH_ALICE = pairScope(ME, ALICE)
export const WITH_BOB = pairScope(ME, BOB)

export const tempFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'ksp-store-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export const tempFile = (): string => join(tempFolder(), 'braid.sqlite')

export const open = (file: string = tempFile(), clock: Clock = manualClock()): Store & BraidReader => {
  const store = openStore(file, { clock, hashes: nodeHashes })
  onTestFinished(() => store.close())
  return store
}

export interface StrandParts {
  readonly author?: Pubkey
  readonly parents?: readonly MessageId[]
  readonly scopes?: NewStrand['scopes']
  readonly createdAt?: number
  readonly confidential?: boolean
}

/** A strand whose id is the hash of its body, and whose body names its parents. */
export const strand = (name: string, parts: StrandParts = {}): NewStrand => {
  const author = parts.author ?? ALICE
  const dependencies: Dependency[] = (parts.parents ?? []).map((hash) => ({ kind: 'causal-parent', hash }))
  const body: Txxm = {
    type: 'signal',
    action: 'room.say',
    target_kor: 'room.kor',
    source_kor: 'herm-a.room.kor',
    payload: { name },
    sender: author,
    nonce: '1',
    ...(parts.createdAt === undefined ? {} : { created_at: parts.createdAt as UnixSec }),
    ...(dependencies.length === 0 ? {} : { dependencies }),
  }
  const text = canonical(body as unknown as JsonValue)
  return {
    ...strandOf(nodeHashes.sha256Hex(text) as MessageId, author, body, text),
    confidential: parts.confidential ?? true,
    origin: 'peer',
    carrier: author,
    road: 'nip44',
    scopes: parts.scopes ?? [WITH_ALICE],
  }
}

export const owe = (message: MessageId, to: Destination, parts: Partial<Owed> = {}): Owed => ({
  message,
  to,
  dueAt: START,
  expiresAt: (START + 604_800_000) as UnixMs,
  confidential: true,
  ...parts,
})

export const put = (store: Store, decision: Decision): Promise<Decision> => store.commit(() => decision)

export const nodeInfo = (id: string): NodeInfo => ({
  id: id as HermId,
  npub: 'npub1',
  endpoint: '',
  capabilities: ['txxm-gossip'],
  kor_namespaces: ['room.kor'],
  status: 'active',
})

/** What verify() finds, without its progress. */
export const findings = (store: BraidReader, verifyProof: () => boolean = () => true): string[] =>
  [...store.verify(nodeHashes, verifyProof)].flatMap((step) => (step.kind === 'finding' ? [step.code] : []))
