import { dirname } from 'node:path'
import { keyOf, npubOf } from '../core/nodeinfo.js'
import type { Pubkey, UnixSec } from '../core/types.js'
import { IdentityError } from './identity-error.js'
import { isKeyName, MAX_KEYS, parseKeys, serializeKeys, type KeyRole, type StoredKey } from './keystore-format.js'
import { isAbsent, makePrivateFolder, readPrivate, unreadable, withLock, writePrivate } from './private-file.js'
import { DEFAULT_LOG_N, nsecOf, pubkeyOf, readPlain, seal, unseal } from './secret-key.js'

/**
 * The keys of a Herm in one JSON file of mode 0600, in a folder of mode 0700 (identity.md). Everything here throws an
 * IdentityError with one line to read and one to act on.
 */

export interface KeyEntry {
  readonly name: string
  readonly role: KeyRole
  readonly npub: string
  readonly pubkey: Pubkey
  readonly createdAt: UnixSec
  /** `nsec` stands there in the clear and is warned about at every start. */
  readonly kept: 'ncryptsec' | 'nsec' | 'bunker'
}

export interface Keystore {
  readonly file: string
  /** In the order in which they were added. */
  list(): readonly KeyEntry[]
  find(name: string): KeyEntry
  /** The 32 bytes; the caller overwrites them when done. The passphrase is needed where `kept` is `ncryptsec`. */
  unlock(name: string, passphrase?: string): Uint8Array
  /** The ncryptsec as it stands in the file; undefined where the key is kept otherwise. */
  sealed(name: string): string | undefined
  /** One line for each key that stands there in the clear. */
  readonly warnings: readonly string[]
}

const MAX_FILE_BYTES = 1024 * 1024

export const openKeystore = (file: string): Keystore => {
  const keys = read(file)
  if (keys === undefined) {
    throw new IdentityError(
      'no-keystore',
      `there is no keystore ${file}`,
      'make one with: ksp init, or ksp identity new NAME',
    )
  }
  const named = (name: string): StoredKey => {
    const key = keys.find((k) => k.name === name)
    if (key !== undefined) return key
    const there =
      keys.length === 0
        ? 'it is empty'
        : `it has ${keys
            .slice(0, 20)
            .map((k) => k.name)
            .join(', ')}`
    const hint = `make it with: ksp identity new ${isKeyName(name) ? name : 'NAME'}`
    throw new IdentityError(
      'unknown-key',
      `keystore ${file} has no key ${JSON.stringify(name.slice(0, 64))}; ${there}`,
      hint,
    )
  }
  return {
    file,
    list: () => keys.map(entryOf),
    find: (name) => entryOf(named(name)),
    sealed: (name) => named(name).ncryptsec,
    unlock: (name, passphrase) => {
      const key = named(name)
      const secret = secretOf(key, passphrase)
      if (npubOf(pubkeyOf(secret)) === key.npub) return secret
      secret.fill(0)
      const message = `keystore ${file} is damaged: the secret of ${name} is not that of its npub`
      throw new IdentityError('corrupt-keystore', message, 'restore it from a copy')
    },
    warnings: keys
      .filter((k) => k.nsec !== undefined)
      .map((k) => `the key ${k.name} stands unencrypted in ${file}; whoever reads the file is ${k.name}`),
  }
}

const secretOf = (key: StoredKey, passphrase: string | undefined): Uint8Array => {
  if (key.nsec !== undefined) return readPlain(key.nsec)
  if (key.ncryptsec === undefined) {
    const message = `the key ${key.name} is held by a remote signer, which is not available in this version`
    throw new IdentityError('not-available', message, 'use a key that stands in the keystore')
  }
  if (passphrase === undefined) throw noPassphrase(key.name)
  return unseal(key.ncryptsec, passphrase, key.name)
}

export const noPassphrase = (name: string): IdentityError =>
  new IdentityError(
    'no-passphrase',
    `the key ${name} needs its passphrase`,
    'set identity.passphrase_file, or KSP_PASSPHRASE_FILE, or run it on a terminal',
  )

const entryOf = (key: StoredKey): KeyEntry => {
  const pubkey = keyOf(key.npub)
  if (pubkey === undefined) throw new Error(`the npub of ${key.name} was checked when it was read`)
  const kept = key.nsec !== undefined ? 'nsec' : key.ncryptsec !== undefined ? 'ncryptsec' : 'bunker'
  return { name: key.name, role: key.role, npub: key.npub, pubkey, createdAt: key.created_at, kept }
}

/** How a new key is kept. `logN` is the work factor of scrypt, lower only in tests. */
export type Protection = { readonly passphrase: string; readonly logN?: number } | 'insecure-plain'

export interface NewKey {
  readonly name: string
  readonly role: KeyRole
  /** The caller overwrites it when done. */
  readonly secret: Uint8Array
  readonly createdAt: UnixSec
  readonly origin: 'made-here' | 'imported'
}

/** Adds keys, all or none; makes the file and its folder where they are not. Resolves nothing: when it returns, it is on disk. */
export const addKeys = (file: string, added: readonly NewKey[], protection: Protection): KeyEntry[] => {
  for (const { name } of added) {
    if (!isKeyName(name)) {
      const message = `${JSON.stringify(name.slice(0, 70))} is no name of a key`
      throw new IdentityError('bad-name', message, 'use 1-64 of a-z, 0-9, _ and -, starting with a letter or digit')
    }
  }
  makePrivateFolder(dirname(file))
  return withLock(file, () => {
    const keys = read(file) ?? []
    if (keys.length + added.length > MAX_KEYS) {
      throw new IdentityError('bad-name', `a keystore holds at most ${MAX_KEYS} keys`, 'use a second one')
    }
    const fresh = added.map((key) => stored(key, protection))
    for (const [i, { name, npub }] of fresh.entries()) {
      const others = [...keys, ...fresh.slice(0, i)]
      const taken = others.find((k) => k.name === name) ?? others.find((k) => k.npub === npub)
      if (taken === undefined) continue
      const message =
        taken.name === name ? `there is a key ${name} already` : `this key is there already as ${taken.name}`
      throw new IdentityError('key-exists', `${message}, in ${file}`, 'a key is never overwritten; choose another name')
    }
    writePrivate(file, serializeKeys([...keys, ...fresh]))
    return fresh.map(entryOf)
  })
}

const stored = (key: NewKey, protection: Protection): StoredKey => {
  const base = { name: key.name, role: key.role, npub: npubOf(pubkeyOf(key.secret)), created_at: key.createdAt }
  if (protection === 'insecure-plain') return { ...base, nsec: nsecOf(key.secret) }
  return { ...base, ncryptsec: seal(key.secret, protection.passphrase, protection.logN ?? DEFAULT_LOG_N, key.origin) }
}

const read = (file: string): StoredKey[] | undefined => {
  let text: string
  try {
    text = readPrivate(file, { what: 'keystore', maxBytes: MAX_FILE_BYTES, privateFolder: true })
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw unreadable('keystore', file, error)
  }
  return parseKeys(text, file)
}
