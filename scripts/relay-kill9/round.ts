import { join } from 'node:path'
import { openEventStore } from '../../relay/store/store.js'
import { runChores } from '../../relay/store/upkeep.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import { openEngine } from '../../src/crypto/engine.js'
import { builtProgram, startChild } from '../../src/ops/child.js'
import type { Child } from '../../src/ops/child.js'
import { chanceOf } from '../kill9/chance.js'
import { audit } from './audit.js'
import { judge } from './judge.js'
import { openWorkload } from './workload.js'
import { openWriter } from './writer.js'
import type { Sent } from './writer.js'

export interface RoundPlan {
  readonly dir: string
  readonly seed: number
}

export interface RoundResult {
  readonly seed: number
  /** How much had been sent at each kill. */
  readonly kills: readonly number[]
  readonly sent: number
  /** With OK true, and no word that it was known already. */
  readonly accepted: number
  readonly stored: number
  /** Starts that found the file not left in order, and checked it. */
  readonly checks: number
  readonly problems: readonly string[]
  readonly ms: number
}

const KILLS = 3
const WRITERS = 5
const MIN_SENT = 50
const SENT_BETWEEN_KILLS = 500

/** One relay on one file: written to over several connections, killed with -9 in the middle, again and again; then judged. */
export const runRound = async ({ dir, seed }: RoundPlan): Promise<RoundResult> => {
  const began = performance.now()
  const chance = chanceOf(seed)
  const db = join(dir, 'relay.sqlite')
  const engine = await openEngine()
  const workload = openWorkload(engine, chance, String(seed), Math.floor(Date.now() / 1_000))
  const sent = new Map<string, Sent>()
  const kills: number[] = []
  const problems: string[] = []
  let relay: Child | undefined
  let killAt = Infinity
  let sends = 0
  let checks = 0
  let isLast = false

  const onSent = (): void => {
    if (++sends < killAt) return
    killAt = Infinity
    kills.push(sends)
    relay?.process.kill('SIGKILL')
  }
  const next = (): ReturnType<typeof workload.next> | undefined => (isLast ? undefined : workload.next())
  const writers = Array.from({ length: WRITERS }, () => openWriter(next, sent, onSent))

  const start = async (): Promise<string> => {
    relay = startChild(builtProgram('relay/main.js'), ['--listen', '127.0.0.1:0', '--db', db])
    const url = (await relay.line(/^ready /)).slice('ready '.length)
    if (relay.err.some((line) => line.includes('"integrity-check"'))) checks++
    return url
  }

  for (let life = 0; life < KILLS; life++) {
    const url = await start()
    killAt = sends + MIN_SENT + chance.below(SENT_BETWEEN_KILLS)
    await Promise.all(writers.map((writer) => writer.write(url)))
    await relay?.ended
  }
  isLast = true
  const url = await start()
  await Promise.all(writers.map((writer) => writer.write(url)))
  const end = await relay?.stop('SIGTERM')
  if (end?.code !== 0) problems.push(`the relay ended with ${end?.code ?? end?.signal ?? 'nothing'} at SIGTERM`)
  if (checks !== kills.length) problems.push(`${kills.length} kills, but ${checks} starts checked the file`)

  const store = openEventStore(db, nodeHashes)
  runChores(store.chores)
  store.close()
  const found = audit(db)
  problems.push(...found.problems, ...judge([...sent.values()], found.ids))
  const unanswered = [...sent.values()].filter(({ accepted }) => accepted === undefined).length
  if (unanswered > 0) problems.push(`${unanswered} events have no answer in the end`)
  return {
    ...{ seed, kills, sent: sent.size, stored: found.ids.size, checks, problems },
    accepted: [...sent.values()].filter(({ accepted, reason }) => accepted === true && reason === '').length,
    ms: Math.round(performance.now() - began),
  }
}
