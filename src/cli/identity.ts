import { Option, type Command } from 'commander'
import { KEY_ROLES } from '../identity/keystore-format.js'
import { collect, withConfig, withExample, withJson } from './commands.js'
import { exportKey, importKey, listKeys, newKey } from './identity-keys.js'
import { publish } from './identity-publish.js'
import { withKeystore, withPassphrase } from './keys.js'

export const register = (program: Command): void => {
  const group = program
    .command('identity')
    .description('Keys and identities: all in one keystore, sealed by a passphrase.')
  withExample(group, 'ksp identity list')
  const verb = (name: string, description: string): Command =>
    withJson(withKeystore(withConfig(group.command(name).description(description))))

  const make = verb('new', 'Makes a new key. Its secret never leaves this machine.')
    .argument('<name>', 'name of the key: a-z, 0-9, _ and -')
    .addOption(roleOption())
    .option('--insecure-plain', 'keep the secret unencrypted; warned about at every start')
  withExample(withPassphrase(make), 'ksp identity new ezra --role agent').action(newKey)

  withExample(verb('list', 'Lists the keys.'), 'ksp identity list --json').action(listKeys)

  const take = verb(
    'import',
    'Takes a secret key (nsec, ncryptsec or hex) from a file or from stdin, never from the command line.',
  )
    .argument('<name>', 'name of the key: a-z, 0-9, _ and -')
    .argument('[file]', 'file to read the secret key from; - is stdin', '-')
    .addOption(roleOption())
    .option('--source-passphrase-file <file>', 'passphrase of the ncryptsec that is read (default: the same as here)')
    .option('--insecure-plain', 'keep the secret unencrypted; warned about at every start')
  withExample(withPassphrase(take), 'ksp identity import ezra ezra.nsec').action(importKey)

  const give = verb('export', 'Prints a secret key, sealed as an ncryptsec (NIP-49).')
    .argument('<name>', 'name of the key')
    .option('--insecure-plain', 'print the nsec itself: whoever reads it is that key')
  withExample(withPassphrase(give), 'ksp identity export ezra > ezra.ncryptsec').action(exportKey)

  const tell = verb(
    'publish',
    'Publishes profile, relay lists and node-info, reads them back, and tells what each relay said.',
  )
    .argument('[name...]', 'names of the keys (default: that of ksp.yaml)')
    .option('--all', 'all keys of the keystore')
    .option('--relay <url>', 'relay to publish to (default: those of ksp.yaml); may be given several times', collect)
    .option('--kinds <kinds>', 'only these of 0, 10002, 10050 and 30078', collect)
    .option('--dry-run', 'print the signed events and send nothing')
  withExample(withPassphrase(tell), 'ksp identity publish --all --relay wss://relay.example').action(publish)
}

const roleOption = (): Option => new Option('--role <role>', 'what the key is for').choices(KEY_ROLES).default('agent')
