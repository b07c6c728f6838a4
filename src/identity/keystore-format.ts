import { keyOf } from '../core/nodeinfo.js'
import type { UnixSec } from '../core/types.js'
import { IdentityError } from './identity-error.js'
import { formOf } from './secret-key.js'

/** What a keystore looks like on disk. */

export const KEY_ROLES = ['herm', 'agent', 'relay', 'operator'] as const
export type KeyRole = (typeof KEY_ROLES)[number]

/** The secret stands in exactly one of the three; `bunker` (NIP-46) is kept but not used in this version. */
export interface StoredKey {
  readonly name: string
  readonly role: KeyRole
  readonly npub: string
  readonly created_at: UnixSec
  readonly ncryptsec?: string
  readonly nsec?: string
  readonly bunker?: string
}

const FORMAT = 1
export const MAX_KEYS = 1_000

export const isKeyName = (s: string): boolean => /^[a-z0-9][a-z0-9_-]{0,63}$/.test(s)

export const isKeyRole = (s: string): s is KeyRole => KEY_ROLES.some((role) => role === s)

export const serializeKeys = (keys: readonly StoredKey[]): string =>
  `${JSON.stringify({ ksp_keystore: FORMAT, keys }, undefined, 2)}\n`

/** Throws an IdentityError that says what is wrong, never what stands there. */
export const parseKeys = (text: string, file: string): StoredKey[] => {
  const corrupt = (why: string): IdentityError =>
    new IdentityError('corrupt-keystore', `keystore ${file} is damaged: ${why}`, 'restore it from a copy')
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    // The parser's message would repeat a part of the text.
    throw corrupt('it is not JSON')
  }
  if (typeof json !== 'object' || json === null || !('ksp_keystore' in json)) throw corrupt('it is no keystore')
  const { ksp_keystore: format } = json
  if (typeof format === 'number' && Number.isInteger(format) && format > FORMAT) {
    const message = `keystore ${file} has format ${format}; this version reads ${FORMAT}`
    throw new IdentityError('newer-keystore', message, 'install a newer ksp')
  }
  if (format !== FORMAT) throw corrupt('its format is unknown')
  const list: unknown = 'keys' in json ? json.keys : undefined
  if (!Array.isArray(list) || list.length > MAX_KEYS) throw corrupt(`it needs a list of at most ${MAX_KEYS} keys`)

  const names = new Set<string>()
  return list.map((entry: unknown, i) => {
    const key = storedKey(entry)
    if (typeof key === 'string') throw corrupt(`entry ${i + 1} ${key}`)
    if (names.has(key.name)) throw corrupt(`the name ${key.name} stands there twice`)
    names.add(key.name)
    return key
  })
}

const storedKey = (entry: unknown): StoredKey | string => {
  if (typeof entry !== 'object' || entry === null) return 'is no object'
  const { name, role, npub, created_at, ncryptsec, nsec, bunker } = entry as Record<string, unknown>
  if (typeof name !== 'string' || !isKeyName(name)) return 'has no proper name'
  if (typeof role !== 'string' || !isKeyRole(role)) return `(${name}) has an unknown role`
  if (typeof npub !== 'string' || keyOf(npub) === undefined) return `(${name}) has no proper npub`
  if (typeof created_at !== 'number' || !Number.isSafeInteger(created_at)) return `(${name}) has no created_at`
  const base = { name, role, npub, created_at: created_at as UnixSec }
  if ([ncryptsec, nsec, bunker].filter((secret) => secret !== undefined).length !== 1) {
    return `(${name}) needs exactly one of ncryptsec, nsec and bunker`
  }
  if (typeof ncryptsec === 'string' && formOf(ncryptsec) === 'ncryptsec') return { ...base, ncryptsec }
  if (typeof nsec === 'string' && formOf(nsec) === 'nsec') return { ...base, nsec }
  return typeof bunker === 'string' ? { ...base, bunker } : `(${name}) has no proper secret`
}
