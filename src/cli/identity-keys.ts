import { readFileSync, statSync } from 'node:fs'
import { toSec, type UnixMs } from '../core/types.js'
import { addKeys, type KeyEntry, type Protection } from '../identity/keystore.js'
import { isKeyName, type KeyRole } from '../identity/keystore-format.js'
import { readPassphrase } from '../identity/passphrase.js'
import { readDescriptor } from '../identity/private-file.js'
import { DEFAULT_LOG_N, formOf, newSecret, nsecOf, readPlain, seal, unseal } from '../identity/secret-key.js'
import { askHidden, onTerminal } from './ask.js'
import { newPassphraseFor, openKeys, passphraseOf, placeOfKeys, type KeyOptions, type KeyPlace } from './keys.js'
import { CliError, printJson, printLine, printTable, printWarning, usageError } from './print.js'

/** `ksp identity new, list, import, export`. */

interface Common extends KeyOptions {
  readonly json?: boolean
}

interface MakeOptions extends Common {
  readonly role: KeyRole
  readonly insecurePlain?: boolean
}

const shown = (entry: KeyEntry): Record<string, unknown> => {
  const { name, role, npub, pubkey, createdAt, kept } = entry
  return { name, role, npub, pubkey, created_at: createdAt, kept }
}

/** A secret key where a name or a file belongs is in the shell's history by now; at least it is not repeated here. */
const refuseSecretsInArguments = (...words: readonly string[]): void => {
  if (words.every((word) => formOf(word.trim()) === 'other')) return
  throw usageError(
    'a secret key must not stand on the command line, where every process can read it',
    'pipe it in: ksp identity import NAME < FILE; and take this one for known to others',
  )
}

const refuseBadName = (name: string): void => {
  refuseSecretsInArguments(name)
  if (isKeyName(name)) return
  throw usageError(
    `${JSON.stringify(name.slice(0, 70))} is no name of a key`,
    'use 1-64 of a-z, 0-9, _ and -, starting with a letter or digit',
  )
}

const protectionFor = async (options: MakeOptions, place: KeyPlace, name: string): Promise<Protection> =>
  options.insecurePlain === true ? 'insecure-plain' : { passphrase: await newPassphraseFor(options, place, name) }

const store = async (
  name: string,
  secret: Uint8Array,
  origin: 'made-here' | 'imported',
  options: MakeOptions,
  place: KeyPlace,
): Promise<void> => {
  try {
    const protection = await protectionFor(options, place, name)
    const createdAt = toSec(Date.now() as UnixMs)
    const [entry] = addKeys(place.keystore, [{ name, role: options.role, secret, createdAt, origin }], protection)
    if (entry === undefined) return
    if (entry.kept === 'nsec') printWarning(`the key ${name} stands unencrypted in ${place.keystore}`)
    if (options.json === true) printJson(shown(entry))
    else printLine(`${entry.name}  ${entry.npub}`)
  } finally {
    secret.fill(0)
  }
}

export const newKey = async (name: string, options: MakeOptions): Promise<void> => {
  refuseBadName(name)
  await store(name, newSecret(), 'made-here', options, placeOfKeys(options))
}

export const listKeys = (options: Common): void => {
  const keys = openKeys(placeOfKeys(options).keystore).list()
  if (options.json === true) {
    for (const key of keys) printJson(shown(key))
    return
  }
  const date = (key: KeyEntry): string => new Date(key.createdAt * 1000).toISOString().slice(0, 10)
  printTable(
    ['name', 'role', 'kept', 'made', 'npub'],
    keys.map((k) => [k.name, k.role, k.kept, date(k), k.npub]),
  )
}

interface ImportOptions extends MakeOptions {
  readonly sourcePassphraseFile?: string
}

export const importKey = async (name: string, file: string, options: ImportOptions): Promise<void> => {
  refuseSecretsInArguments(name, file)
  refuseBadName(name)
  const place = placeOfKeys(options)
  const text = await secretText(file)
  if (formOf(text) !== 'ncryptsec') {
    await store(name, readPlain(text), 'imported', options, place)
    return
  }
  const from = options.sourcePassphraseFile
  const passphrase =
    from === undefined ? await passphraseOf(options, place, name) : await readPassphrase({ file: from })
  if (passphrase === undefined) {
    throw usageError('the ncryptsec needs its passphrase', 'give --source-passphrase-file, or run it on a terminal')
  }
  await store(name, unseal(text, passphrase, name), 'imported', options, place)
}

const MAX_SECRET_BYTES = 4 * 1024

const secretText = async (file: string): Promise<string> => {
  if (file === '-') return onTerminal() ? askHidden('Secret key') : readDescriptor(0, MAX_SECRET_BYTES).trim()
  const stat = statSync(file, { throwIfNoEntry: false })
  if (stat === undefined || !stat.isFile() || stat.size > MAX_SECRET_BYTES) {
    throw new CliError('unreadable', `${file} is no file that holds a secret key`, { exit: 2 })
  }
  if (process.platform !== 'win32' && (stat.mode & 0o077) !== 0) {
    printWarning(`${file} can be read by others; remove it, and if it was so for long, make a new key`)
  }
  return readFileSync(file, 'utf8').trim()
}

interface ExportOptions extends Common {
  readonly insecurePlain?: boolean
}

export const exportKey = async (name: string, options: ExportOptions): Promise<void> => {
  refuseSecretsInArguments(name)
  const place = placeOfKeys(options)
  const keystore = openKeys(place.keystore)
  const entry = keystore.find(name)
  const tell = (form: 'ncryptsec' | 'nsec', text: string): void => {
    if (options.json === true) printJson({ name, npub: entry.npub, [form]: text })
    else printLine(text)
  }
  const sealed = keystore.sealed(name)
  if (options.insecurePlain !== true && sealed !== undefined) {
    tell('ncryptsec', sealed)
    return
  }
  const passphrase = sealed === undefined ? undefined : await passphraseOf(options, place, name)
  const secret = keystore.unlock(name, passphrase)
  try {
    if (options.insecurePlain === true) {
      printWarning('the nsec is the key itself; whoever reads it can sign and read as it')
      tell('nsec', nsecOf(secret))
    } else {
      // It stands in the clear here; what leaves is sealed all the same.
      tell('ncryptsec', seal(secret, await newPassphraseFor(options, place, name), DEFAULT_LOG_N, 'imported'))
    }
  } finally {
    secret.fill(0)
  }
}
