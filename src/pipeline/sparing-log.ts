import { spend, type Bucket } from '../core/bucket.js'
import type { Clock, Log } from '../ports.js'

/**
 * A log that tells of one kind of event only so often, and says how many it did not tell of: what others send decides how
 * many refusals there are, and must not decide how fast our disk fills. The counters of `ksp status` count them all.
 */
export const sparingLog = (log: Log, sparing: string, clock: Pick<Clock, 'now'>): Log => {
  let bucket: Bucket | undefined
  let untold = 0
  return {
    ...log,
    info: (event, fields) => {
      if (event !== sparing) {
        log.info(event, fields)
        return
      }
      const spent = spend(bucket, clock.now(), LINES)
      bucket = spent.bucket
      if (!spent.ok) {
        untold++
        return
      }
      log.info(event, untold === 0 ? fields : { ...fields, untold })
      untold = 0
    },
  }
}

const LINES = { perSecond: 5, burst: 100 }
