import { createHash } from 'node:crypto'
import type { Config } from './config-type.js'

/**
 * Names everything that decides whom and what we accept. When it changes, refusals that depended on it are looked at
 * again (wire.md 6); the order in which peers or names are written changes nothing.
 */
export const fingerprint = (config: Pick<Config, 'id' | 'korNamespaces' | 'trust'>): string => {
  const sorted = (list: readonly string[] | undefined): readonly string[] | null =>
    list === undefined ? null : [...list].sort()
  const peers = config.trust.peers
    .map((p) => JSON.stringify([p.key ?? null, p.id ?? null, sorted(p.kor), sorted(p.actions), sorted(p.agents)]))
    .sort()
  const text = JSON.stringify([1, config.id, sorted(config.korNamespaces), config.trust.mode, peers])
  return createHash('sha256').update(text).digest('hex')
}
