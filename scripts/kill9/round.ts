import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeMesh, type HermPart, type Mesh } from '../../src/cli/two-system/mesh.js'
import { sampleTxxms } from '../../src/cli/two-system/sample.js'
import { canonical } from '../../src/core/canonical.js'
import { pairScope } from '../../src/core/decision.js'
import type { JsonObject } from '../../src/core/types.js'
import { eventually } from '../../test/support/eventually.js'
import { chanceOf } from './chance.js'
import { heldBy, ksp, openOf, readBraid, stepsOf, stuckOf, type Braid } from './look.js'
import { planKills, type Kill } from './plan.js'
import { killing } from './victims.js'

/**
 * One round of kill -9: two Herms with a kapnetd each and a relay between them send each other half of the messages, while
 * the bridges, the daemons and the relay are killed at points that chance gives. Whatever was killed is started again.
 * In the end nothing may be missing, doubled or stuck.
 */
export interface RoundOptions {
  /** An empty folder for this round. */
  readonly dir: string
  readonly seed: number
  /** In both directions together. */
  readonly messages: number
}

export interface RoundResult {
  readonly seed: number
  readonly ms: number
  readonly kills: readonly (Kill & { readonly progress: number })[]
  /** How often `ksp send` had to be run again because its bridge was killed. */
  readonly sends: number
  /** Messages that were sent more than once to a relay. */
  readonly retried: number
  /** Empty: the round was good. */
  readonly problems: readonly string[]
}

/** Short waits, so that a round ends quickly; the limits of the whole are those of a real bridge. */
const IMPATIENT = 'delivery: { receipt_timeout: 2s, backoff_min: 200ms, backoff_max: 2s }'
const LIMIT_MS = 90_000
const LOOK_MS = 5
const MAX_SENDS = 100
const MAX_SHOWN = 10

export const runRound = async ({ dir, seed, messages }: RoundOptions): Promise<RoundResult> => {
  const startedAt = Date.now()
  const chance = chanceOf(seed)
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const mesh = await makeMesh(dir, { a: { yaml: IMPATIENT }, b: { yaml: IMPATIENT } })
  const { a, b, relay } = mesh
  const parts = [a.bridge, b.bridge, a.kapnetd, b.kapnetd, relay]
  const problems: string[] = []
  const braids: Braid[] = []
  try {
    await Promise.all(parts.map((p) => p.start()))
    braids.push(readBraid(a), readBraid(b))
    const steps = (): number => braids.reduce((sum, braid) => sum + stepsOf(braid.counts()), 0)

    const half = Math.floor(messages / 2)
    const files = new Map([
      [a, fileOf(a, half, 0)],
      [b, fileOf(b, messages - half, half)],
    ])
    // Each message is held by both, delivered to the peer, and to both daemons.
    const plan = planKills(
      parts.map((p) => p.name),
      5 * messages,
      chance,
    )
    const work = killing(parts, plan)
    const sending = Promise.all([sendAll(a, b, files.get(a)?.path ?? ''), sendAll(b, a, files.get(b)?.path ?? '')])
    const sent = { over: false }
    const until = Date.now() + LIMIT_MS
    const rejected = sending.then(
      () => {
        sent.over = true
      },
      (error: unknown) => {
        sent.over = true
        problems.push(String(error))
      },
    )
    while (!(sent.over && work.isOver()) && Date.now() < until) {
      await work.step(steps())
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
    }
    await work.end()
    await rejected
    const sends = problems.length > 0 ? 0 : (await sending).reduce((sum, n) => sum + n, 0)
    problems.push(...work.fallen())

    await settled(braids, messages).catch((error: unknown) => {
      problems.push(String(error), ...braids.flatMap((braid) => stuckOf(braid, MAX_SHOWN)))
    })
    problems.push(...work.fallen(), ...(await differences(mesh, braids, files, messages)))
    const retried = braids.reduce((sum, braid) => sum + retriedOf(braid), 0)
    problems.push(...(await endedWell(mesh)))
    return { seed, ms: Date.now() - startedAt, kills: work.made, sends, retried, problems }
  } finally {
    for (const braid of braids) await braid.close()
    await mesh.close(true)
  }
}

interface SendFile {
  readonly path: string
  readonly lines: readonly JsonObject[]
}

/** Every line is another one, so that what arrives can be told apart. */
const fileOf = (herm: HermPart, count: number, from: number): SendFile => {
  const lines = sampleTxxms(count).map((txxm, i) => ({ ...txxm, payload: { ...txxm.payload, number: from + i } }))
  const path = join(herm.dir, 'messages.jsonl')
  writeFileSync(path, lines.map((line) => JSON.stringify(line)).join('\n') + '\n')
  return { path, lines: lines }
}

/** The same file again and again, until one run of `ksp send` has got through. Resolves with how many it took. */
const sendAll = async (from: HermPart, to: HermPart, path: string): Promise<number> => {
  for (let sends = 1; sends <= MAX_SENDS; sends++) {
    const { code, json, err } = await ksp(['send', '--config', from.config, '--file', path, '--to', to.id, '--json'])
    if (code === 0) return sends
    const error = json.at(-1)?.['error'] as JsonObject | undefined
    if (error?.['code'] !== 'not-running') throw new Error(`ksp send failed: ${JSON.stringify(json)} ${err}`)
  }
  throw new Error(`ksp send did not get through in ${MAX_SENDS} runs`)
}

const settled = (braids: readonly Braid[], messages: number): Promise<unknown> =>
  eventually(
    'every delivery done and every receipt sent',
    () => braids.map((braid) => braid.counts()),
    (all) => all.every((c) => c.strands === messages && openOf(c) === 0 && c.receiptsOwed === 0),
    LIMIT_MS,
  )

const differences = async (
  { a, b }: Mesh,
  braids: readonly Braid[],
  files: ReadonlyMap<HermPart, SendFile>,
  messages: number,
): Promise<string[]> => {
  const problems: string[] = []
  const same = (what: string, found: unknown, wanted: unknown): void => {
    const [f, w] = [JSON.stringify(found), JSON.stringify(wanted)]
    if (f !== w) problems.push(`${what}: found ${f.slice(0, 300)}, wanted ${w.slice(0, 300)}`)
  }
  const scope = pairScope(a.key, b.key)
  const [braidA, braidB] = braids
  if (braidA === undefined || braidB === undefined) throw new Error('two braids are needed')

  const pair = braidA.root(scope)
  same('count of the pair scope', pair.count, messages)
  same('root of the pair scope', braidB.root(scope), pair)
  const ids = braidA.ids({ scope, limit: messages + 1 }).sort()
  for (const [herm, braid, other] of [
    [a, braidA, b],
    [b, braidB, a],
  ] as const) {
    const { deliveries } = braid.counts()
    const own = files.get(herm)?.lines ?? []
    same(`deliveries of ${herm.id}`, deliveries, { ...deliveries, done: own.length + messages, dead: 0 })

    const held = await heldBy(herm)
    same(`ids in the kapnetd of ${herm.id}`, [...held.ids].sort(), ids)
    same(`root of the kapnetd of ${herm.id}`, { root: held.root, count: held.count }, pair)

    // What a person and a script see: each message once, as it was written.
    const inbox = await ksp(['inbox', '--config', herm.config, '--json', '--limit', String(messages)])
    const wanted = files.get(other)?.lines ?? []
    const payloads = inbox.json.map((line) => (line['body'] as JsonObject)['payload'] as JsonObject)
    same(`inbox of ${herm.id}`, sorted(payloads), sorted(wanted.map((line) => line['payload'] as JsonObject)))

    const again = await ksp([
      ...['send', '--config', herm.config, '--file', files.get(herm)?.path ?? '', '--to', other.id, '--json'],
    ])
    const { queued, known, refused } = again.json.at(-1) ?? {}
    same(`the file of ${herm.id} sent again`, { queued, known, refused }, { queued: 0, known: own.length, refused: 0 })

    const verified = await ksp(['braid', 'verify', '--config', herm.config, '--json'])
    same(`verify on ${herm.id}`, verified.json.at(-1), { ok: true, messages, findings: [] })
  }
  return problems
}

const sorted = (payloads: readonly JsonObject[]): string[] => payloads.map(canonical).sort()

/** Deliveries that a relay took more than once. */
const retriedOf = (braid: Braid): number => braid.deliveries({ limit: 10_000 }).filter((d) => d.tries > 1).length

/** What runs to the end ends as it should. */
const endedWell = async ({ a, b, relay }: Mesh): Promise<string[]> => {
  const problems: string[] = []
  for (const parts of [
    [a.bridge, b.bridge],
    [a.kapnetd, b.kapnetd, relay],
  ] as const) {
    await Promise.all(
      parts.map(async (part) => {
        const child = part.child
        await part.stop()
        const end = await child?.ended
        if (end?.code !== 0) problems.push(`${part.name} ended with ${end?.code ?? end?.signal ?? 'nothing'}`)
      }),
    )
  }
  return problems
}
