import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HermPart } from '../../src/cli/two-system/mesh.js'
import { sampleTxxms } from '../../src/cli/two-system/sample.js'
import type { JsonObject } from '../../src/core/types.js'
import { eventually } from '../../test/support/eventually.js'
import { callDaemon, ksp } from './look.js'

/** What one Herm sends in a round: most of it by `ksp send --file`, some made by software that speaks to its kapnetd. */
export interface Workload {
  readonly herm: HermPart
  readonly file: string
  readonly lines: readonly JsonObject[]
  readonly made: readonly JsonObject[]
  /** The payload of each message, and each is another one. */
  readonly payloads: readonly JsonObject[]
}

/** One in so many is made by the daemon. */
const MADE_EACH = 10
const MAX_SENDS = 100

export const workloadOf = (herm: HermPart, peer: HermPart, count: number, from: number): Workload => {
  const all = sampleTxxms(count).map((txxm, i) => ({ ...txxm, payload: { ...txxm.payload, number: from + i } }))
  const lines = all.filter((_, i) => i % MADE_EACH !== 0)
  const made = all
    .filter((_, i) => i % MADE_EACH === 0)
    .map((txxm, i) => ({
      ...txxm,
      target_kor: 'sys.pluronymous.org',
      source_kor: `${herm.id}.sys.pluronymous.org`,
      // Half of them are addressed, the others find their way by name.
      ...(i % 2 === 0 ? {} : { sender: herm.key, nonce: String(i), audience: [peer.key] }),
    }))
  const file = join(herm.dir, 'messages.jsonl')
  writeFileSync(file, lines.map((line) => JSON.stringify(line)).join('\n') + '\n')
  return { herm, file, lines, made, payloads: all.map((txxm) => txxm.payload) }
}

/** The same file again and again, until one run of `ksp send` has got through. Resolves with how many it took. */
export const sendAll = async ({ herm, file }: Workload, peer: HermPart): Promise<number> => {
  for (let sends = 1; sends <= MAX_SENDS; sends++) {
    const { code, json, err } = await ksp(['send', '--config', herm.config, '--file', file, '--to', peer.id, '--json'])
    if (code === 0) return sends
    const error = json.at(-1)?.['error'] as JsonObject | undefined
    if (error?.['code'] !== 'not-running') throw new Error(`ksp send failed: ${JSON.stringify(json)} ${err}`)
  }
  throw new Error(`ksp send did not get through in ${MAX_SENDS} runs`)
}

/** Makes TXXMs at the daemon, one whenever the round has come far enough. */
export interface Making {
  step(progress: number): void
  readonly isOver: () => boolean
  /** Resolves when what was begun has ended; rejects when one could not be made. */
  end(): Promise<void>
}

/** Spread over the first `steps` steps. A daemon that is killed meanwhile is asked again: the same TXXM has the same id. */
export const making = ({ herm, made }: Workload, steps: number): Making => {
  let next = 0
  let last: Promise<unknown> = Promise.resolve()
  return {
    step: (progress) => {
      while (next < made.length && progress >= (steps * next) / made.length) {
        const txxm = made[next++]
        if (txxm === undefined) return
        last = last.then(() =>
          eventually(
            `the kapnetd of ${herm.id} has made a TXXM`,
            () => callDaemon(herm, 'make_txxm', { txxm }),
            () => true,
          ),
        )
        // Told by `end`; until then it must not end the process.
        last.catch(() => undefined)
      }
    },
    isOver: () => next === made.length,
    end: async () => {
      await last
    },
  }
}
