import { isHex32 } from '../../src/core/names.js'
import type { NostrEvent } from '../../src/core/types.js'
import { classOf, GIFT_WRAP } from './kind-class.js'

/** NIP-09: what a deletion request asks for. Whether it may is asked of each target. */
export interface DeletionTargets {
  readonly ids: readonly string[]
  /** Addresses of the deletion's own author. */
  readonly addresses: readonly { readonly kind: number; readonly d: string }[]
}

export const deletionTargets = (deletion: NostrEvent): DeletionTargets => {
  const ids = new Set<string>()
  const addresses = new Map<string, { kind: number; d: string }>()
  for (const [name, value] of deletion.tags) {
    if (value === undefined) continue
    if (name === 'e' && isHex32(value)) ids.add(value)
    if (name === 'a') {
      const address = ownAddress(value, deletion.pubkey)
      if (address !== undefined) addresses.set(`${address.kind}:${address.d}`, address)
    }
  }
  return { ids: [...ids], addresses: [...addresses.values()] }
}

/** `kind:pubkey:d`. A `d` may hold colons, so only the first two divide. */
const ownAddress = (value: string, author: string): { kind: number; d: string } | undefined => {
  const parts = /^(\d{1,5}):([0-9a-f]{64})(?::(.*))?$/s.exec(value)
  if (parts === null || parts[2] !== author) return undefined
  const kind = Number(parts[1])
  const d = parts[3] ?? ''
  const kindClass = classOf(kind)
  if (kindClass === 'addressable' || (kindClass === 'replaceable' && d === '')) return { kind, d }
  return undefined
}

/** Who may delete an event: its author, and of a gift wrap the one it is for (NIP-59), whose author is a throw-away key. */
export const ownersOf = (event: Pick<NostrEvent, 'kind' | 'pubkey' | 'tags'>): string[] => {
  const owners: string[] = [event.pubkey]
  if (event.kind !== GIFT_WRAP) return owners
  for (const [name, value] of event.tags) if (name === 'p' && value !== undefined && isHex32(value)) owners.push(value)
  return owners
}
