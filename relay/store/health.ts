import { Fault, reasonOf } from '../../src/core/fault.js'
import type { Log } from '../../src/ports.js'

/**
 * Whether the file takes writes. A full disk or one that has become read-only is no reason to stop: what is stored is served
 * on, every EVENT is answered `error:`, and it is said once in the log, not once for each event.
 */
export interface Health {
  readonly writable: boolean
  /** Since it is not. */
  readonly reason: string | undefined
  /** Runs a write. While the file takes none, every failure is the same Fault. */
  guard<T>(write: () => T): T
  /** There was room for more than a little: one small write that fits in is no sign of that. */
  recovered(): void
}

/** The disk's, the system's; anything else is a bug of ours, and thrown as it is. */
const CODES = /^(SQLITE_(FULL|IOERR|READONLY|CANTOPEN|CORRUPT|NOTADB|NOLFS|PERM|AUTH)|EIO$|ENOSPC$|EDQUOT$|EROFS$)/

export const openHealth = (log: Log, onChange: (writable: boolean) => void = () => undefined): Health => {
  let spell: { readonly fault: Fault; readonly since: number } | undefined

  return {
    get writable() {
      return spell === undefined
    },
    get reason() {
      return spell?.fault.message
    },
    guard: (write) => {
      try {
        return write()
      } catch (error) {
        if (!isOfTheDisk(error)) throw error
        if (spell === undefined) {
          const fault = new Fault('store', adviceOn(error), { cause: error })
          spell = { fault, since: performance.now() }
          log.error('store-not-writable', { reason: fault.message })
          onChange(false)
        }
        throw spell.fault
      }
    },
    recovered: () => {
      if (spell === undefined) return
      log.info('store-writable-again', { afterMs: Math.round(performance.now() - spell.since) })
      spell = undefined
      onChange(true)
    },
  }
}

/** The WAL is as long as it may get, and can't be worked off. */
export class WalTooLong extends Error {
  readonly code = 'SQLITE_FULL_WAL'
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''

const isOfTheDisk = (error: unknown): boolean => CODES.test(codeOf(error))

const adviceOn = (error: unknown): string => {
  const code = codeOf(error)
  const what = `nothing can be stored (${code}: ${reasonOf(error)})`
  if (code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB')) {
    return `${what}: the file is damaged; stop the relay and restore a backup`
  }
  return `${what}: make room on the disk, or make it writable; the relay goes on by itself then`
}
