import { mkdirSync } from 'node:fs'
import { makeMesh } from '../../src/cli/two-system/mesh.js'
import { eventually } from '../../test/support/eventually.js'
import { chanceOf } from './chance.js'
import { differences, endedWell, retriedIn, type Side } from './compare.js'
import { openOf, readBraid, stepsOf, stuckOf } from './look.js'
import { planKills, type Kill } from './plan.js'
import { killing, type Killing } from './victims.js'
import { making, sendAll, workloadOf } from './workload.js'

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
  readonly kills: Killing['made']
  /** How often `ksp send` ran: more than twice where its bridge was killed under it. */
  readonly sends: number
  /** Deliveries that took more than one try. */
  readonly retried: number
  /** Empty: the round was good. */
  readonly problems: readonly string[]
}

export type { Kill }

/** Short waits, so that a round ends quickly; the limits of the whole are those of a real bridge. */
const IMPATIENT = 'delivery: { receipt_timeout: 2s, backoff_min: 200ms, backoff_max: 2s }'
const LIMIT_MS = 90_000
const LOOK_MS = 5
const MAX_SHOWN = 10

export const runRound = async ({ dir, seed, messages }: RoundOptions): Promise<RoundResult> => {
  const startedAt = Date.now()
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const mesh = await makeMesh(dir, { a: { yaml: IMPATIENT }, b: { yaml: IMPATIENT } })
  const { a, b, relay } = mesh
  const parts = [a.bridge, b.bridge, a.kapnetd, b.kapnetd, relay]
  const sides: Side[] = []
  try {
    await Promise.all(parts.map((p) => p.start()))
    const half = Math.floor(messages / 2)
    const sideA: Side = { herm: a, braid: readBraid(a), work: workloadOf(a, b, half, 0) }
    const sideB: Side = { herm: b, braid: readBraid(b), work: workloadOf(b, a, messages - half, half) }
    sides.push(sideA, sideB)

    // Both hold each message; it is delivered to the peer and to both daemons, but for what a daemon made itself.
    const steps = 5 * messages - sideA.work.made.length - sideB.work.made.length
    const names = parts.map((p) => p.name)
    const kills = killing(parts, planKills(names, steps, chanceOf(seed)))
    const { sends, problems } = await workAndKill([sideA, sideB], kills, steps)
    problems.push(...(await stuckIn(sides, messages)), ...kills.fallen())
    const retried = sides.reduce((sum, { braid }) => sum + retriedIn(braid), 0)
    problems.push(...(await differences([sideA, sideB], messages)))
    for (const { braid } of sides.splice(0)) await braid.close()
    problems.push(...(await endedWell(mesh)))
    return { seed, ms: Date.now() - startedAt, kills: kills.made, sends, retried, problems }
  } finally {
    for (const { braid } of sides) await braid.close()
    await mesh.close(true)
  }
}

/** Until all is sent and everybody was killed, and is up again. */
const workAndKill = async (
  sides: readonly [Side, Side],
  kills: Killing,
  steps: number,
): Promise<{ sends: number; problems: string[] }> => {
  const problems: string[] = []
  let sends = 0
  let sending = true
  const [sideA, sideB] = sides
  const sent = Promise.all([sendAll(sideA.work, sideB.herm), sendAll(sideB.work, sideA.herm)])
    .then((counts) => {
      sends = counts.reduce((sum, n) => sum + n, 0)
    })
    .catch((error: unknown) => {
      problems.push(String(error))
    })
    .finally(() => {
      sending = false
    })
  const makers = sides.map(({ work }) => making(work, steps / 2))
  const isOver = (): boolean => !sending && kills.isOver() && makers.every((m) => m.isOver())
  const until = Date.now() + LIMIT_MS
  while (!isOver() && Date.now() < until) {
    const progress = sides.reduce((sum, { braid }) => sum + stepsOf(braid.counts()), 0)
    await kills.step(progress)
    for (const maker of makers) maker.step(progress)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
  if (!isOver()) problems.push('it did not come to where the last one was to be killed')
  await kills.end()
  await sent
  for (const maker of makers) await maker.end().catch((error: unknown) => problems.push(String(error)))
  return { sends, problems }
}

/** Waits until nothing is owed to anybody any more; what still is after that is stuck. */
const stuckIn = async (sides: readonly Side[], messages: number): Promise<string[]> => {
  try {
    await eventually(
      'every message on both sides, every delivery done and every receipt sent',
      () => sides.map(({ braid }) => braid.counts()),
      (all) => all.every((c) => c.strands === messages && openOf(c) === 0 && c.receiptsOwed === 0),
      LIMIT_MS,
    )
    return []
  } catch (error) {
    return [String(error), ...sides.flatMap(({ braid }) => stuckOf(braid, MAX_SHOWN))]
  }
}
