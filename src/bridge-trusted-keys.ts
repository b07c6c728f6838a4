import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { reasonOf } from './core/fault.js'
import type { Pubkey } from './core/types.js'
import type { Log } from './ports.js'

/** The file of keys that closes our own relay to all but us and those whom we trust. The relay reads it again when it changes. */
export interface TrustedKeys {
  readonly file: string
  /** Writes them down. That it can't is logged: the relay then goes on with those it knew. */
  keep(keys: readonly Pubkey[]): void
}

export const trustedKeysFile = (dataDir: string, me: Pubkey, log: Log): TrustedKeys => {
  const file = join(dataDir, 'relay-trusted.txt')
  return {
    file,
    keep: (keys) => {
      const lines = [
        '# Written by the bridge: this Herm, and the peers it trusts.',
        me,
        ...keys.filter((key) => key !== me),
      ]
      try {
        // Never half a file: a relay that starts meanwhile must not take a part for the whole.
        writeFileSync(`${file}.new`, `${lines.join('\n')}\n`, { mode: 0o600 })
        renameSync(`${file}.new`, file)
      } catch (error) {
        log.error('private-relay.trusted-keys', { file, reason: reasonOf(error) })
      }
    },
  }
}
