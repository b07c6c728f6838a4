import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { reasonOf } from '../core/fault.js'
import { IdentityError } from './identity-error.js'
import { isAbsent, readDescriptor, readPrivate, unreadable } from './private-file.js'

/**
 * Where a passphrase may come from: a file descriptor, a file of mode 0600, a systemd credential, a person at a terminal.
 * Never argv and never the value of an environment variable: both can be read by others (identity.md).
 */
export interface PassphraseSources {
  readonly descriptor?: number
  readonly file?: string
  /** systemd's `$CREDENTIALS_DIRECTORY`; the credential is called `ksp-passphrase`. */
  readonly credentialsFolder?: string
  /** Asks a person, without echo. */
  readonly ask?: () => Promise<string>
}

const CREDENTIAL = 'ksp-passphrase'
const MAX_BYTES = 4 * 1024

/** The first source there is, in the order above; undefined where there is none. Throws an IdentityError. */
export const readPassphrase = async (sources: PassphraseSources): Promise<string | undefined> => {
  if (sources.descriptor !== undefined) return fromDescriptor(sources.descriptor)
  if (sources.file !== undefined) return fromFile(sources.file)
  const credential = sources.credentialsFolder === undefined ? undefined : fromCredential(sources.credentialsFolder)
  if (credential !== undefined) return credential
  return sources.ask === undefined ? undefined : checked(await sources.ask(), 'the passphrase')
}

/** 256 bits, in letters that survive any editor. */
export const newPassphrase = (): string => randomBytes(32).toString('base64url')

const checked = (text: string, from: string): string => {
  // An editor ends the last line; a passphrase never ends in a line break.
  const passphrase = text.replace(/\r?\n$/, '')
  const hint = 'write the passphrase alone into it, on one line'
  if (passphrase === '') throw new IdentityError('bad-passphrase', `${from} is empty`, hint)
  if (/[\r\n\0]/.test(passphrase)) throw new IdentityError('bad-passphrase', `${from} has more than one line`, hint)
  return passphrase
}

const fromDescriptor = (descriptor: number): string => {
  try {
    return checked(readDescriptor(descriptor, MAX_BYTES), `file descriptor ${descriptor}`)
  } catch (error) {
    if (error instanceof IdentityError) throw error
    const message = `file descriptor ${descriptor} can't be read: ${reasonOf(error)}`
    throw new IdentityError('unreadable', message, 'open it in the shell: ksp ... --passphrase-fd 3 3<FILE', {
      cause: error,
    })
  }
}

const fromFile = (file: string): string => {
  try {
    return checked(readPrivate(file, { what: 'passphrase file', maxBytes: MAX_BYTES }), `passphrase file ${file}`)
  } catch (error) {
    throw unreadable('passphrase file', file, error)
  }
}

/** systemd keeps these where only the service can look; with `User=` their own mode shows its access list's mask as 0440. */
const fromCredential = (folder: string): string | undefined => {
  const file = join(folder, CREDENTIAL)
  try {
    return checked(readPrivate(file, { what: 'credential', maxBytes: MAX_BYTES, anyMode: true }), `credential ${file}`)
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw unreadable('credential', file, error)
  }
}
