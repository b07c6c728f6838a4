import type { Config } from './config.js'

/** Sections that differ and are read at the start only. */
export const restartNeeded = (before: Config, after: Config): string[] =>
  (
    ['id', 'dataDir', 'identity', 'relays', 'privateRelay', 'local', 'limits', 'delivery', 'crypto', 'log'] as const
  ).filter((section) => JSON.stringify(before[section]) !== JSON.stringify(after[section]))
