import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { Option, type Command } from 'commander'
import { ConfigError, readConfig, type Config } from '../config.js'
import { noPassphrase, openKeystore, type KeyEntry, type Keystore } from '../identity/keystore.js'
import { readPassphrase } from '../identity/passphrase.js'
import { askHidden, askNewPassphrase, onTerminal } from './ask.js'
import { printWarning, usageError } from './print.js'

/** How a verb comes to the keystore and to the passphrase. */

export interface KeyOptions {
  readonly config?: string
  readonly keystore?: string
  readonly passphraseFile?: string
  readonly passphraseFd?: number
}

const descriptorOf = (text: string): number => {
  if (/^\d{1,4}$/.test(text)) return Number(text)
  throw usageError(`--passphrase-fd needs the number of an open file, not ${JSON.stringify(text.slice(0, 20))}`)
}

export const withPassphrase = (command: Command): Command =>
  command
    .option('--passphrase-file <file>', 'file (mode 0600) that holds the passphrase')
    .addOption(new Option('--passphrase-fd <n>', 'file descriptor to read the passphrase from').argParser(descriptorOf))

export const withKeystore = (command: Command): Command =>
  command.option('--keystore <file>', 'keystore to use (default: that of ksp.yaml, else ~/.config/ksp/keystore.json)')

export interface KeyPlace {
  readonly keystore: string
  readonly passphraseFile?: string
  readonly config?: Config
}

/** The keystore that is meant: named, or that of the configuration, or the standard one where there is no configuration. */
export const placeOfKeys = (options: KeyOptions): KeyPlace => {
  const named = options.keystore === undefined ? undefined : resolve(options.keystore)
  const config = configIfAny(options, named !== undefined)
  const passphraseFile = options.passphraseFile ?? config?.identity.passphraseFile ?? process.env['KSP_PASSPHRASE_FILE']
  const standard =
    config?.identity.keystore ?? process.env['KSP_KEYSTORE'] ?? join(homedir(), '.config/ksp/keystore.json')
  return {
    keystore: named ?? resolve(standard),
    ...(passphraseFile === undefined || passphraseFile === '' ? {} : { passphraseFile: resolve(passphraseFile) }),
    ...(config === undefined ? {} : { config }),
  }
}

const configIfAny = (options: KeyOptions, dispensable: boolean): Config | undefined => {
  try {
    const { config, warnings } = readConfig(options.config)
    for (const { key, message } of warnings) printWarning(`${key}: ${message}`)
    return config
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    if (options.config === undefined && (error.code === 'no-config' || dispensable)) return undefined
    throw error
  }
}

/** The passphrase of a key that is there; undefined where there is none to be had. */
export const passphraseOf = (options: KeyOptions, place: KeyPlace, key: string): Promise<string | undefined> =>
  readPassphrase({
    ...sourcesOf(options, place),
    ...(onTerminal() ? { ask: () => askHidden(`Passphrase of ${key}`) } : {}),
  })

/** The passphrase for a key that is being made. */
export const newPassphraseFor = async (options: KeyOptions, place: KeyPlace, key: string): Promise<string> => {
  const ask = onTerminal() ? { ask: askNewPassphrase } : {}
  const passphrase = await readPassphrase({ ...sourcesOf(options, place), ...ask })
  if (passphrase === undefined) throw noPassphrase(key)
  return passphrase
}

const sourcesOf = (
  options: KeyOptions,
  place: KeyPlace,
): { descriptor?: number; file?: string; credentialsFolder?: string } => {
  const credentialsFolder = process.env['CREDENTIALS_DIRECTORY']
  // What stands on the command line is meant; what stands in the configuration is a wish.
  if (options.passphraseFd !== undefined) return { descriptor: options.passphraseFd }
  return {
    ...(place.passphraseFile === undefined ? {} : { file: place.passphraseFile }),
    ...(credentialsFolder === undefined || credentialsFolder === '' ? {} : { credentialsFolder }),
  }
}

/** Opens it and says aloud which keys stand there in the clear: at every start (identity.md). */
export const openKeys = (file: string): Keystore => {
  const keystore = openKeystore(file)
  for (const warning of keystore.warnings) printWarning(warning)
  return keystore
}

/**
 * The key this Herm signs with, ready to be used. The caller overwrites `secret` as soon as a signer has its copy.
 * Rejects with an IdentityError where it can't be had.
 */
export const unlockOwnKey = async (
  config: Config,
  options: KeyOptions = {},
): Promise<{ readonly secret: Uint8Array; readonly entry: KeyEntry }> => {
  const keystore = openKeys(config.identity.keystore)
  const entry = keystore.find(config.identity.key)
  const passphraseFile = options.passphraseFile ?? config.identity.passphraseFile
  const place = { keystore: keystore.file, ...(passphraseFile === undefined ? {} : { passphraseFile }) }
  const passphrase = entry.kept === 'ncryptsec' ? await passphraseOf(options, place, entry.name) : undefined
  return { secret: keystore.unlock(entry.name, passphrase), entry }
}
