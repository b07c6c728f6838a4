import { readFileSync, statSync } from 'node:fs'
import { Fault, reasonOf } from '../../src/core/fault.js'
import { keyOf } from '../../src/core/nodeinfo.js'
import type { Pubkey } from '../../src/core/types.js'
import type { Log } from '../../src/ports.js'

/** Keys that an operator keeps in a file: one npub or hex a line; what follows a `#` is a remark. */
export interface Allowlist {
  has(key: Pubkey): boolean
  keys(): Iterable<Pubkey>
  /** Reads the file again. What can't be read changes nothing, and is logged. */
  reload(): void
  close(): void
}

const MAX_FILE_BYTES = 8 * 1024 * 1024
const LOOK_INTERVAL_MS = 1_000

/**
 * Throws a Fault('options') that names the line when the file can't be read now. Later changes take effect by themselves: a
 * half-written or broken file leaves the keys as they were, since to open up or to shut everybody out would both be wrong.
 */
export const openAllowlist = (file: string, log: Log): Allowlist => {
  // Taken before the file is read: a change meanwhile is seen at the next look.
  let stamp = stampOf(file)
  let keys = readKeys(file)
  /** Allowed, since it is how everybody is shut out; and often a mistake. */
  const warnOfEmpty = (): void => {
    if (keys.size === 0) log.warn('allowlist-empty', { file })
  }
  warnOfEmpty()

  const reload = (): void => {
    stamp = stampOf(file)
    try {
      keys = readKeys(file)
      log.info('allowlist-read', { file, keys: keys.size })
      warnOfEmpty()
    } catch (error) {
      log.error('allowlist-unchanged', { file, reason: reasonOf(error) })
    }
  }

  // By looking, not by inotify: editors and deployments replace files, and network file systems tell nobody.
  let seen = stamp
  const looking = setInterval(() => {
    const found = stampOf(file)
    // Only what two looks found alike: a file that is being written is empty first, and the half of a list is a list.
    if (found !== stamp && found === seen) reload()
    seen = found
  }, LOOK_INTERVAL_MS)
  looking.unref()

  return { has: (key) => keys.has(key), keys: () => keys, reload, close: () => clearInterval(looking) }
}

/** Changes when the file does; empty while there is none. */
const stampOf = (file: string): string => {
  try {
    const stat = statSync(file, { bigint: true })
    return `${stat.ino}:${stat.size}:${stat.mtimeNs}:${stat.ctimeNs}`
  } catch {
    // Whatever is wrong with it is said by whoever reads it.
    return ''
  }
}

/** Never with the word itself: it may be a secret that was put in the wrong file. */
const flawOf = (word: string): string =>
  /^(?:nsec|ncryptsec)1/i.test(word)
    ? 'a secret key: take it out, and put the npub that belongs to it there'
    : 'no npub and no 64 lowercase hex'

const readKeys = (file: string): ReadonlySet<Pubkey> => {
  let text: string
  try {
    if (statSync(file).size > MAX_FILE_BYTES) throw new Error(`it has more than ${MAX_FILE_BYTES} bytes`)
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const isMissing = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    const reason = isMissing ? 'there is no such file: make it, with an npub a line' : reasonOf(error)
    throw new Fault('options', `cannot read ${file}: ${reason}`, { cause: error })
  }
  const keys = new Set<Pubkey>()
  text.split('\n').forEach((line, i) => {
    const word = line.replace(/#.*/, '').trim()
    if (word === '') return
    const key = keyOf(word)
    if (key === undefined) throw new Fault('options', `${file} line ${i + 1}: ${flawOf(word)}`)
    keys.add(key)
  })
  return keys
}
