import type { HermPart, Mesh } from '../../src/cli/two-system/mesh.js'
import { canonical } from '../../src/core/canonical.js'
import { pairScope } from '../../src/core/decision.js'
import type { JsonObject } from '../../src/core/types.js'
import { heldBy, ksp, type Braid } from './look.js'
import type { Workload } from './workload.js'

/** One Herm at the end of a round. */
export interface Side {
  readonly herm: HermPart
  readonly braid: Braid
  readonly work: Workload
}

/** Everything that should be and is not, when the work is done. Empty: all is well. */
export const differences = async (sides: readonly [Side, Side], messages: number): Promise<string[]> => {
  const problems: string[] = []
  const same = (what: string, found: unknown, wanted: unknown): void => {
    const [f, w] = [JSON.stringify(found), JSON.stringify(wanted)]
    if (f !== w) problems.push(`${what}: found ${f.slice(0, 300)}, wanted ${w.slice(0, 300)}`)
  }
  const scope = pairScope(sides[0].herm.key, sides[1].herm.key)
  const pair = sides[0].braid.root(scope)
  const ids = sides[0].braid.ids({ scope, limit: messages + 1 }).sort()
  same('count of the pair scope', pair.count, messages)
  same('root of the pair scope', sides[1].braid.root(scope), pair)

  for (const [side, other] of [sides, sides.toReversed() as [Side, Side]]) {
    const { herm, braid, work } = side
    same(`strands of ${herm.id}`, braid.counts().strands, messages)
    same(`deliveries of ${herm.id}`, deliveriesOf(braid, other.herm), {
      done: true,
      peer: work.payloads.length,
      // What the daemon made itself it has.
      daemon: work.lines.length + other.work.payloads.length,
    })

    const held = await heldBy(herm)
    same(`ids in the kapnetd of ${herm.id}`, [...held.ids].sort(), ids)
    same(`root of the kapnetd of ${herm.id}`, { root: held.root, count: held.count }, pair)

    // What a person and a script see: each message once, as it was written.
    const inbox = await ksp(['inbox', '--config', herm.config, '--json', '--limit', String(2 * messages)])
    const arrived = inbox.json.map((line) => (line['body'] as JsonObject)['payload'] as JsonObject)
    same(`inbox of ${herm.id}`, sorted(arrived), sorted(other.work.payloads))

    const file = ['--file', work.file, '--to', other.herm.id]
    const again = await ksp(['send', '--config', herm.config, ...file, '--json'])
    const { queued, known, refused } = again.json.at(-1) ?? {}
    const wanted = { queued: 0, known: work.lines.length, refused: 0 }
    same(`the file of ${herm.id} sent again`, { queued, known, refused }, wanted)

    const verified = await ksp(['braid', 'verify', '--config', herm.config, '--json'])
    same(`verify on ${herm.id}`, verified.json.at(-1), { ok: true, messages, findings: [] })
  }
  return problems
}

const MAX_DELIVERIES = 100_000

const deliveriesOf = (braid: Braid, peer: HermPart): { done: boolean; peer: number; daemon: number } => {
  const all = braid.deliveries({ limit: MAX_DELIVERIES })
  return {
    done: all.every((d) => d.state === 'done'),
    peer: all.filter((d) => d.to === peer.key).length,
    daemon: all.filter((d) => d.to === 'port:kapnetd').length,
  }
}

const sorted = (payloads: readonly JsonObject[]): string[] => payloads.map(canonical).sort()

/** Deliveries that took more than one try. */
export const retriedIn = (braid: Braid): number =>
  braid.deliveries({ limit: MAX_DELIVERIES }).filter((d) => d.tries > 1).length

/** Stops everything as an operator does: what runs to the end ends as it should. */
export const endedWell = async ({ a, b, relay }: Mesh): Promise<string[]> => {
  const problems: string[] = []
  for (const parts of [
    [a.bridge, b.bridge],
    [a.kapnetd, b.kapnetd, relay],
  ]) {
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
