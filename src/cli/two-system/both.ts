import { readFileSync } from 'node:fs'
import { parseJson } from '../../core/canonical.js'
import type { JsonObject, MessageId } from '../../core/types.js'
import { loadConfig } from '../../config.js'
import type { ControlClient } from '../../ops/control-client.js'
import { needBridge, openBraid, type Braid } from '../bridge-client.js'
import { CliError, usageError } from '../print.js'
import { daemonMissing, daemonState, sharedRoot, waitFor } from './evidence.js'
import { latencies, quantile, queueAll, queuePaced, waitDone } from './exchange.js'
import type { HermPart, Mesh } from './mesh.js'
import { runRoleA } from './role-a.js'
import { sampleTxxms, type SampleTxxm } from './sample.js'
import type { Steps } from './steps.js'

/** What a run in both directions came to; the JSON object of `npm run demo -- --json`. */
export interface Outcome {
  readonly ok: boolean
  /** Messages accepted by the two bridges. */
  readonly sent: number
  /** Messages that the receiver's braid holds. */
  readonly stored: number
  /** Messages whose sender has the receipt of stage done. */
  readonly receipts: number
  /** Root of the shared scope, on A and on B. */
  readonly roots: readonly [string, string]
  readonly kapnetd_counts: readonly [number, number]
  /** Both directions at once, from the first order to the last receipt of stage done. */
  readonly msg_per_s: number
  /** Paced at 25 a second: from accepted at the sender to acknowledged by the receiver's kapnetd. */
  readonly p50_ms: number
  readonly p99_ms: number
}

export interface BothOptions {
  readonly mesh: Mesh
  readonly txxms: readonly SampleTxxm[]
  readonly steps: Steps
  readonly timeoutMs: number
  readonly onProgress: (what: string, done: number, of: number) => void
}

const PACE_MS = 40
const PACED_SHARE = 4

interface Side {
  readonly herm: HermPart
  readonly client: ControlClient
  readonly braid: Braid
}

/** Starts daemons and bridges, runs the procedure in both directions, then the whole sample each way. */
export const runBoth = async (o: BothOptions): Promise<Outcome> => {
  const { mesh, steps } = o
  const herms = [mesh.a, mesh.b]
  await Promise.all(herms.map((h) => h.kapnetd.start()))
  await Promise.all(herms.map((h) => h.bridge.start()))
  // Every other message goes the other way; the first of each way is the one that the procedure follows step by step.
  const mine = [0, 1].map((i) => o.txxms.filter((_, k) => k % 2 === i))
  const first: MessageId[] = []
  for (const [i, from] of herms.entries()) {
    const [txxm] = mine[i] ?? []
    if (txxm === undefined) throw usageError('a run in both directions needs two TXXMs at least')
    const peer = herms[1 - i]?.npub
    first.push(await runRoleA({ config: loadConfig(from.config), peer, timeoutMs: o.timeoutMs, steps, txxm }))
  }

  const sides = await Promise.all(herms.map(openSide))
  const [a, b] = sides
  if (a === undefined || b === undefined) throw new Error('two Herms are two')
  try {
    return await exchange(
      { ...a, first: first.slice(0, 1), txxms: mine[0]?.slice(1) ?? [] },
      { ...b, first: first.slice(1), txxms: mine[1]?.slice(1) ?? [] },
      o,
    )
  } finally {
    for (const side of sides) {
      side.client.close()
      await side.braid.close()
    }
  }
}

const openSide = async (herm: HermPart): Promise<Side> => {
  const config = loadConfig(herm.config)
  return { herm, client: await needBridge(config), braid: openBraid(config) }
}

interface Sender extends Side {
  /** Sent by the procedure already. */
  readonly first: readonly MessageId[]
  readonly txxms: readonly SampleTxxm[]
}

const exchange = async (a: Sender, b: Sender, o: BothOptions): Promise<Outcome> => {
  const bulkOf = (side: Sender): readonly SampleTxxm[] => side.txxms.slice(Math.ceil(side.txxms.length / PACED_SHARE))
  const pacedOf = (side: Sender): readonly SampleTxxm[] =>
    side.txxms.slice(0, Math.ceil(side.txxms.length / PACED_SHARE))
  const total = o.txxms.length
  const done = new Map<Sender, number>()
  const show = (side: Sender, n: number): void => {
    done.set(side, side.first.length + n)
    o.onProgress('done', sum([...done.values()]), total)
  }

  const pace = async (from: Sender, to: Sender): Promise<MessageId[]> => {
    const ids = await queuePaced(from.client, to.herm.key, pacedOf(from), 'paced', PACE_MS)
    await waitDone(from.client, ids, o.timeoutMs, (n) => show(from, n))
    return ids
  }
  const pacedIds = await Promise.all([pace(a, b), pace(b, a)])

  const begin = performance.now()
  const run = async (from: Sender, to: Sender): Promise<MessageId[]> => {
    const ids = await queueAll(from.client, to.herm.key, bulkOf(from), 'bulk')
    const reached = await waitDone(from.client, ids, o.timeoutMs, (n) => show(from, pacedOf(from).length + n))
    if (reached === ids.length) return ids
    throw new CliError('timeout', `${ids.length - reached} messages of ${from.herm.id} are not done`)
  }
  const bulkIds = await Promise.all([run(a, b), run(b, a)])
  const seconds = (performance.now() - begin) / 1000

  const ms = [...latencies(a.braid, b.braid, pacedIds[0]), ...latencies(b.braid, a.braid, pacedIds[1])]
  const idsOfA = [...a.first, ...pacedIds[0], ...bulkIds[0]]
  const idsOfB = [...b.first, ...pacedIds[1], ...bulkIds[1]]
  const held = await evidence(a, b, idsOfA, idsOfB, o)
  const perSecond = Math.round((bulkIds[0].length + bulkIds[1].length) / seconds)
  return { ...held, msg_per_s: perSecond, p50_ms: quantile(ms, 0.5), p99_ms: quantile(ms, 0.99) }
}

/** Read from the stores and asked of the daemons, after everything has come to rest. */
const evidence = async (
  a: Side,
  b: Side,
  idsOfA: readonly MessageId[],
  idsOfB: readonly MessageId[],
  o: BothOptions,
): Promise<Pick<Outcome, 'ok' | 'sent' | 'stored' | 'receipts' | 'roots' | 'kapnetd_counts'>> => {
  const all = [...idsOfA, ...idsOfB]
  const daemons = [a.herm.kapnetdSocket, b.herm.kapnetdSocket]
  await waitFor('every TXXM in both kapnetds', o.timeoutMs, async () => {
    const missing = await Promise.all(daemons.map((socket) => daemonMissing(socket, all)))
    return missing.every((m) => m.length === 0) ? true : undefined
  })
  const [stateA, stateB] = await Promise.all(daemons.map(daemonState))
  const rootA = sharedRoot(a.braid, a.herm.key, b.herm.key)
  const rootB = sharedRoot(b.braid, b.herm.key, a.herm.key)
  const isDone = (from: Side, to: Side, id: MessageId): boolean =>
    from.braid.deliveriesOf(id).some((d) => d.to === to.herm.key && d.state === 'done')
  const stored = all.length - b.braid.missing(idsOfA).length - a.braid.missing(idsOfB).length
  const receipts = idsOfA.filter((id) => isDone(a, b, id)).length + idsOfB.filter((id) => isDone(b, a, id)).length
  o.steps.passed('both braids and both kapnetds hold the same TXXMs', {
    'root on A': rootA.root,
    'root on B': rootB.root,
    'kapnetd root on A': stateA?.root,
    'kapnetd root on B': stateB?.root,
    strands: rootA.count,
  })
  return {
    ok:
      rootA.root === rootB.root &&
      stateA?.root === stateB?.root &&
      stored === all.length &&
      receipts === all.length &&
      stateA?.count === stateB?.count,
    sent: all.length,
    stored,
    receipts,
    roots: [rootA.root, rootB.root],
    kapnetd_counts: [stateA?.count ?? 0, stateB?.count ?? 0],
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((x, y) => x + y, 0)

/** `count` of our own sample, or the lines of a file. */
export const txxmsFrom = (file: string | undefined, count: number): SampleTxxm[] => {
  if (file === undefined) return sampleTxxms(count)
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line, i) => (line.trim() === '' ? [] : [readLine(line, `${file}:${i + 1}`)]))
}

const readLine = (line: string, where: string): SampleTxxm => {
  const parsed = parseJson(line)
  if (!parsed.ok) throw usageError(`${where}: ${parsed.refusal.message}`)
  const value = parsed.value as JsonObject
  const { action, payload, type = 'submission' } = value
  if (
    typeof action !== 'string' ||
    typeof type !== 'string' ||
    typeof payload !== 'object' ||
    payload === null ||
    Array.isArray(payload)
  ) {
    throw usageError(`${where}: a line is {"action", "payload", "type"?}`)
  }
  return { type, action, payload }
}
