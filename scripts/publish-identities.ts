import { existsSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { Command, Option } from 'commander'
import { collect } from '../src/cli/commands.js'
import { printRows, relaysFrom, unaccepted } from '../src/cli/identity-publish.js'
import { newPassphraseFor, openKeys, passphraseOf, placeOfKeys } from '../src/cli/keys.js'
import { CliError, printError, printJson, printNote, usageError } from '../src/cli/print.js'
import { publishIdentities, signIdentities } from '../src/cli/publish-identities.js'
import { toSec, type UnixMs } from '../src/core/types.js'
import { addKeys, openKeystore } from '../src/identity/keystore.js'
import { isKeyName, KEY_ROLES, type KeyRole } from '../src/identity/keystore-format.js'
import { newPassphrase } from '../src/identity/passphrase.js'
import { makePrivateFolder, writePrivate } from '../src/identity/private-file.js'
import { newSecret } from '../src/identity/secret-key.js'

/**
 * The keys of a whole fleet: makes those that are missing and publishes all of them, as `ksp identity publish --all` does.
 *
 *   node dist/scripts/publish-identities.js --names names.txt --keystore fleet/keystore.json \
 *     --passphrase-file fleet/passphrase --relay ws://127.0.0.1:7777
 *
 * Running it again makes no new keys and publishes the same identities anew.
 */

interface Options {
  readonly names: readonly string[]
  readonly keystore: string
  readonly passphraseFile: string
  readonly relay: readonly string[]
  readonly role: KeyRole
  readonly json?: boolean
}

/** One name a line, or several with commas between; `#` starts a comment. */
const namesFrom = (words: readonly string[]): string[] => {
  const texts = words.map((word) => (existsSync(word) ? readFileSync(word, 'utf8') : word))
  const names = texts.flatMap((text) => text.replaceAll(/#.*$/gm, '').split(/[\s,]+/)).filter((name) => name !== '')
  const wrong = names.find((name) => !isKeyName(name))
  if (wrong !== undefined) {
    throw usageError(`${JSON.stringify(wrong.slice(0, 70))} is no name of a key, nor a file`, 'use a-z, 0-9, _ and -')
  }
  if (names.length === 0) throw usageError('--names holds no name')
  return [...new Set(names)]
}

const publishFleet = async (options: Options): Promise<void> => {
  const names = namesFrom(options.names)
  const relays = relaysFrom(options.relay)
  const place = placeOfKeys({ keystore: options.keystore, passphraseFile: options.passphraseFile })

  const passphraseFile = resolve(options.passphraseFile)
  if (!existsSync(passphraseFile)) {
    makePrivateFolder(dirname(passphraseFile))
    writePrivate(passphraseFile, `${newPassphrase()}\n`, { fresh: true })
    printNote(`made ${passphraseFile}: keep a copy of it, without it the keys are lost`)
  }
  const there = existsSync(place.keystore)
    ? openKeystore(place.keystore)
        .list()
        .map((entry) => entry.name)
    : []
  const missing = names.filter((name) => !there.includes(name))
  if (missing.length > 0) {
    const createdAt = toSec(Date.now() as UnixMs)
    const keys = missing.map((name) => ({
      name,
      role: options.role,
      secret: newSecret(),
      createdAt,
      origin: 'made-here' as const,
    }))
    const passphrase = await newPassphraseFor({}, place, missing[0] ?? '')
    try {
      addKeys(place.keystore, keys, { passphrase })
    } finally {
      for (const { secret } of keys) secret.fill(0)
    }
    printNote(`made ${missing.length} keys in ${place.keystore}`)
  }

  const keystore = openKeys(place.keystore)
  const identities = await signIdentities({
    keystore,
    names,
    relays,
    passphrase: () => passphraseOf({}, place, 'the fleet'),
  })
  const rows = await publishIdentities(identities, relays, (row) => {
    if (options.json === true) printJson({ ...row, npub: keystore.find(row.name).npub })
  })
  if (options.json !== true) printRows(rows)
  const lost = unaccepted(rows)
  if (lost > 0) throw new CliError('not-accepted', `${lost} of the events were accepted by no relay`)
}

const command = new Command('npm run publish-identities --')
  .description('Makes the missing keys of a fleet and publishes its identities.')
  .requiredOption('--names <names>', 'names, or a file that holds them, one a line', collect)
  .requiredOption('--keystore <file>', 'keystore; made where it is not there')
  .requiredOption('--passphrase-file <file>', 'file that holds the passphrase; made where it is not there')
  .requiredOption('--relay <url>', 'relay to publish to; may be given several times', collect)
  .addOption(new Option('--role <role>', 'what new keys are for').choices(KEY_ROLES).default('agent'))
  .option('--json', 'print one JSON object a line')
  .action(async (options: Options) => {
    try {
      await publishFleet(options)
    } catch (error) {
      process.exitCode = printError(error, options.json === true)
    }
  })
await command.parseAsync()
