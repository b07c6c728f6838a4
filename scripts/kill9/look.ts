import type { HermPart } from '../../src/cli/two-system/mesh.js'
import { isFinal } from '../../src/core/delivery.js'
import type { DeliveryState, JsonObject, JsonValue } from '../../src/core/types.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import { CLIENT_LIMITS, connectKapnetd } from '../../src/local/kapnetd-client.js'
import { startKsp } from '../../src/ops/child.js'
import { systemClock } from '../../src/ops/system.js'
import type { BraidReader, Store, StoreCounts } from '../../src/ports.js'
import { openStore } from '../../src/store/open.js'

/** Looks at a Herm from outside: its braid's file, its daemon's socket, its command line. */

export type Braid = Store & BraidReader

export const readBraid = (herm: Pick<HermPart, 'braid'>): Braid =>
  openStore(herm.braid, { clock: systemClock(), hashes: nodeHashes, readOnly: true })

/** How far a Herm has come: messages held and deliveries done. */
export const stepsOf = (counts: StoreCounts): number => counts.strands + counts.deliveries.done

/** Deliveries in states that are not the last one. */
export const openOf = (counts: StoreCounts): number =>
  (Object.entries(counts.deliveries) as [DeliveryState, number][])
    .filter(([state]) => !isFinal(state))
    .reduce((sum, [, n]) => sum + n, 0)

/** What is stuck, for a person: the deliveries that are open or dead, with their steps. */
export const stuckOf = (braid: Braid, most: number): string[] => {
  const states = ['queued', 'retrying', 'relay-ok', 'peer-stored', 'undeliverable', 'dead'] as const
  return states
    .flatMap((state) => braid.deliveries({ state, limit: most }))
    .slice(0, most)
    .map((d) => {
      const steps = braid.show(d.message)?.deliveries.find((x) => x.to === d.to)?.transitions ?? []
      const words = steps.map((t) => [t.state, t.code, t.reason, t.event?.slice(0, 8)].filter(Boolean).join(' '))
      return `${d.message.slice(0, 12)} to ${d.to.slice(0, 16)}: ${d.state}, due ${d.dueAt ?? 'never'}: ${words.slice(-8).join('; ')}`
    })
}

export interface Held {
  readonly ids: readonly string[]
  readonly root: string
  readonly count: number
}

type Daemon = Pick<HermPart, 'kapnetdSocket'>

/** Speaks to a kapnetd as software on its host does. Rejects when it is away. */
const withDaemon = async <T>(
  { kapnetdSocket: socket }: Daemon,
  use: (call: (method: string, params: JsonObject) => Promise<JsonObject>) => Promise<T>,
): Promise<T> => {
  const stop = new AbortController()
  const onNotification = (): void => undefined
  const client = await connectKapnetd(
    { socket, clock: systemClock(), limits: CLIENT_LIMITS, onNotification },
    stop.signal,
  )
  try {
    return await use(async (method, params) => {
      const answer = await client.request(method, JSON.stringify(params))
      if ('error' in answer) throw new Error(`${method}: ${answer.error.message}`)
      return answer.result as JsonObject
    })
  } finally {
    client.close('done')
    stop.abort()
  }
}

export const callDaemon = (daemon: Daemon, method: string, params: JsonObject): Promise<JsonObject> =>
  withDaemon(daemon, (call) => call(method, params))

/** All that a kapnetd holds. */
export const heldBy = (daemon: Daemon): Promise<Held> =>
  withDaemon(daemon, async (call) => {
    const ids: string[] = []
    let after: JsonValue | undefined
    do {
      const page = await call('braid_ids', { limit: 500, ...(after === undefined ? {} : { after }) })
      ids.push(...(page['ids'] as string[]))
      after = page['next']
    } while (after !== undefined)
    const { root, count } = await call('braid', {})
    return { ids, root: root as string, count: count as number }
  })

/** Runs one verb of `ksp` to its end. `json` is each line of its stdout. */
export const ksp = async (
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly json: JsonObject[]; readonly err: string }> => {
  const child = startKsp(args)
  const { code } = await child.ended
  return { code, json: child.out.map((line) => JSON.parse(line) as JsonObject), err: child.err.join(' | ') }
}
