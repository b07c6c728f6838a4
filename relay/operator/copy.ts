import { open } from 'node:fs/promises'
import { isAbsolute } from 'node:path'
import { Fault } from '../../src/core/fault.js'
import type { Work } from './operation.js'

/** Copied between two turns of the event loop: 256 KiB, a fraction of a millisecond. */
const PAGES_ONLINE = 64
const PAGES_OFFLINE = 4_096
/** Told so often. */
const REPORT_EVERY_MS = 200
/** Sent to the disk so often by a thread, or the last step would have to wait for all of it at once. */
const SYNC_EVERY_PAGES = 4_096

export interface Copied {
  readonly pages: number
}

/**
 * A copy of the whole database as of the end of the copying: SQLite carries what is written meanwhile over to it. `to` is a file
 * that the verb has made, so that it is the verb's and readable by nobody else.
 */
export const copy = async (work: Work): Promise<Copied> => {
  const { to } = work.params
  if (typeof to !== 'string' || !isAbsolute(to)) throw new Fault('relay', 'to is no absolute path')
  const handle = await open(to, 'r+')
  let synced = 0
  let syncing: Promise<void> | undefined
  let reportedAt = 0
  let pages = 0
  try {
    await work.db.backup(to, {
      progress: ({ totalPages, remainingPages }) => {
        if (work.signal.aborted) throw new Fault('relay', 'the relay stops, or nobody waits for the copy any more')
        pages = totalPages
        const done = totalPages - remainingPages
        if (done - synced >= SYNC_EVERY_PAGES && syncing === undefined) {
          synced = done
          // A failure shows in SQLite's own sync at the end.
          syncing = handle
            .datasync()
            .catch(() => undefined)
            .finally(() => (syncing = undefined))
        }
        const now = performance.now()
        if (now - reportedAt >= REPORT_EVERY_MS) {
          reportedAt = now
          // Rejects only when the verb is gone, which the signal says.
          void work.say({ done, of: totalPages }).catch(() => undefined)
        }
        return work.online ? PAGES_ONLINE : PAGES_OFFLINE
      },
    })
    return { pages }
  } finally {
    await syncing
    await handle.close()
  }
}
