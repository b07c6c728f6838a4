import type { Meters } from './meters.js'
import { exposeRelay } from './exposition.js'
import { gaugesOf } from './gauges.js'
import type { Watched } from './gauges.js'
import { watchLoopLag } from './loop-lag.js'
import { openOpsServer } from './ops-server.js'
import type { OpsPlace, OpsServer } from './ops-server.js'

export interface OpsOf extends Omit<Watched, 'loopLag'> {
  readonly meters: Meters
  readonly isStopping: () => boolean
}

/** Why clients should go elsewhere for now, in the fixed words of /readyz. */
export const unreadyReasons = ({ meters, isStopping }: Pick<OpsOf, 'meters' | 'isStopping'>): string[] => [
  ...(isStopping() ? ['stopping'] : []),
  ...(meters.commit.writable ? [] : ['not-writable']),
]

/** The second port of a relay that listens. Rejects with a Fault('relay') that says what to do. */
export const openOps = async (place: OpsPlace, relay: OpsOf): Promise<OpsServer> => {
  const loopLag = watchLoopLag()
  const metrics = exposeRelay(relay.meters, gaugesOf({ ...relay, loopLag }))
  try {
    const server = await openOpsServer(place, { metrics, unready: () => unreadyReasons(relay) })
    const close = (): Promise<void> => {
      loopLag.stop()
      return server.close()
    }
    return { ...server, close }
  } catch (error) {
    loopLag.stop()
    throw error
  }
}
