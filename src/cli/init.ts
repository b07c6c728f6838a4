import { existsSync, mkdirSync, statSync, unlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { join, relative, resolve } from 'node:path'
import type { Command } from 'commander'
import { commentedConfig, type Chosen } from '../config/render-options.js'
import { parseConfig } from '../config.js'
import { isHermId } from '../core/names.js'
import type { UnixMs } from '../core/types.js'
import { toSec } from '../core/types.js'
import { addKeys } from '../identity/keystore.js'
import { newPassphrase, readPassphrase } from '../identity/passphrase.js'
import { makePrivateFolder, writePrivate } from '../identity/private-file.js'
import { newSecret } from '../identity/secret-key.js'
import { ask, askNewPassphrase, onTerminal } from './ask.js'
import { collect, withExample, withJson } from './commands.js'
import { withPassphrase, type KeyOptions } from './keys.js'
import { CliError, printJson, printLine, printNote, usageError } from './print.js'

interface InitOptions extends Pick<KeyOptions, 'passphraseFile' | 'passphraseFd'> {
  readonly id?: string
  readonly relay?: readonly string[]
  readonly kor?: readonly string[]
  readonly yes?: boolean
  readonly json?: boolean
}

export const register = (program: Command): void => {
  const command = program
    .command('init')
    .summary('make ksp.yaml and a keystore with a new key')
    .description(
      'Makes ksp.yaml and a keystore with a new key in DIR (default: here). On a terminal it asks for what is not given; ' +
        'with --yes it asks nothing and writes a random passphrase into a file of mode 0600. Nothing is ever overwritten.',
    )
    .argument('[dir]', 'folder to make them in', '.')
    .option('--id <id>', 'Herm id, unique among its peers')
    .option('--relay <url>', 'relay to meet the others on; may be given several times', collect)
    .option('--kor <name>', 'KOR namespace to serve; may be given several times', collect)
    .option('--yes', 'ask nothing')
  withPassphrase(command)
  withJson(command)
  withExample(command, 'ksp init my-herm --id herm-a --relay wss://relay.example --yes')
  command.action(init)
}

interface Answers {
  readonly id: string
  readonly relays: readonly string[]
  readonly kor: readonly string[]
  readonly passphrase: string
  /** Where the passphrase stands already; undefined: it is written to a file of its own, or only its owner knows it. */
  readonly passphraseFile?: string
  readonly writePassphrase: boolean
}

const init = async (dir: string, options: InitOptions): Promise<void> => {
  const folder = resolve(dir)
  const files = filesIn(folder)
  for (const file of [files.config, files.keystore, files.passphrase]) {
    if (existsSync(file)) {
      throw new CliError('exists', `${file} is there already`, {
        hint: 'nothing was changed; choose another DIR',
        exit: 2,
      })
    }
  }
  const answers = await answersOf(options)
  const text = commentedConfig(chosenBy(answers, files, folder))
  // Whatever is wrong with what was given is said now, before anything is made, and in the words of the configuration.
  const { config } = parseConfig(text, files.config)

  const npub = make(files, answers, text)
  report(files, answers, config.privateRelay !== undefined, npub, options.json === true)
}

interface Files {
  readonly folder: string
  readonly keyFolder: string
  readonly config: string
  readonly keystore: string
  readonly passphrase: string
}

/** Secrets stand beside ksp.yaml where nobody else may look into its folder, else in a folder of their own. */
const filesIn = (folder: string): Files => {
  const tight = !existsSync(folder) || process.platform === 'win32' || (statSync(folder).mode & 0o077) === 0
  const keyFolder = tight ? folder : join(folder, 'keys')
  return {
    folder,
    keyFolder,
    config: join(folder, 'ksp.yaml'),
    keystore: join(keyFolder, 'keystore.json'),
    passphrase: join(keyFolder, 'passphrase'),
  }
}

const answersOf = async (options: InitOptions): Promise<Answers> => {
  const asking = options.yes !== true && onTerminal()
  if (!asking && options.yes !== true && options.id === undefined) {
    throw usageError('there is no terminal to ask on', 'give --id and --yes: ksp init DIR --id herm-a --yes')
  }
  const suggested =
    hostname()
      .split('.')[0]
      ?.toLowerCase()
      .replaceAll(/[^a-z0-9-]/g, '-') ?? ''
  const id = options.id ?? (asking ? await ask('Herm id', isHermId(suggested) ? suggested : 'herm-a') : undefined)
  if (id === undefined) throw usageError('--id is missing', 'for example: ksp init --id herm-a --yes')
  const relays = options.relay ?? (asking ? collect(await ask('Relays, separated by commas'), undefined) : [])
  const base = { id, relays: relays.map((url) => url.trim()), kor: options.kor ?? [] }

  const file = options.passphraseFile === undefined ? undefined : resolve(options.passphraseFile)
  const given = await readPassphrase({
    ...(options.passphraseFd === undefined ? {} : { descriptor: options.passphraseFd }),
    ...(file === undefined ? {} : { file }),
  })
  if (given !== undefined) {
    const stays = options.passphraseFd === undefined && file !== undefined ? { passphraseFile: file } : {}
    return { ...base, passphrase: given, ...stays, writePassphrase: false }
  }
  if (asking) {
    printNote('A passphrase seals the key. Leave it empty to have a random one written to a file of mode 0600.')
    const typed = await askNewPassphrase()
    if (typed !== '') return { ...base, passphrase: typed, writePassphrase: false }
  } else if (options.yes !== true) {
    throw usageError(
      'there is no passphrase and no terminal to ask on',
      'give --yes to have a random one written to a file',
    )
  }
  return { ...base, passphrase: newPassphrase(), writePassphrase: true }
}

/** A word of YAML that is read back as it was given. */
const word = (text: string): string => (/^[a-z0-9][\w.:/-]*$/i.test(text) ? text : JSON.stringify(text))

const chosenBy = (answers: Answers, files: Files, folder: string): Chosen => {
  const near = (file: string): string => word(file.startsWith(folder) ? relative(folder, file) : file)
  const passphraseFile = answers.writePassphrase ? files.passphrase : answers.passphraseFile
  return {
    id: word(answers.id),
    ...(answers.kor.length === 0 ? {} : { kor_namespaces: `[${answers.kor.map(word).join(', ')}]` }),
    'identity.keystore': near(files.keystore),
    'identity.key': word(answers.id),
    ...(passphraseFile === undefined ? {} : { 'identity.passphrase_file': near(passphraseFile) }),
    // With no relay at all nobody could be met: then the bundled one runs, for others to come to.
    ...(answers.relays.length === 0
      ? { 'private_relay.listen': '127.0.0.1:7447' }
      : { 'relays[]': answers.relays.map((url) => ({ url: word(url) })) }),
  }
}

/** ksp.yaml comes last: where it stands, all it names is there. What was made is unmade when a later step fails. */
const make = (files: Files, answers: Answers, text: string): string => {
  const secret = newSecret()
  const made: string[] = []
  try {
    mkdirSync(files.folder, { recursive: true, mode: 0o700 })
    makePrivateFolder(files.keyFolder)
    if (answers.writePassphrase) {
      writePrivate(files.passphrase, `${answers.passphrase}\n`, { fresh: true })
      made.push(files.passphrase)
    }
    const key = {
      name: answers.id,
      role: 'herm',
      secret,
      createdAt: toSec(Date.now() as UnixMs),
      origin: 'made-here',
    } as const
    const [entry] = addKeys(files.keystore, [key], { passphrase: answers.passphrase })
    made.push(files.keystore)
    writePrivate(files.config, text, { fresh: true })
    return entry?.npub ?? ''
  } catch (error) {
    for (const file of made) unlinkSync(file)
    throw error
  } finally {
    secret.fill(0)
  }
}

const report = (files: Files, answers: Answers, ownRelay: boolean, npub: string, json: boolean): void => {
  const run = relative(process.cwd(), files.config) === 'ksp.yaml' ? 'ksp run' : `ksp run --config ${files.config}`
  const next = [
    ...(ownRelay ? ['add a relay that others read too: relays in ksp.yaml'] : []),
    'give this npub to the keepers of the other Herms, and put theirs under trust.peers in ksp.yaml',
    run,
  ]
  if (json) {
    const passphraseFile = answers.writePassphrase ? { passphrase_file: files.passphrase } : {}
    printJson({ id: answers.id, npub, config: files.config, keystore: files.keystore, ...passphraseFile, next })
    return
  }
  printLine(`Made ${files.config}`)
  printLine(`     ${files.keystore} with the key ${answers.id}`)
  if (answers.writePassphrase) printLine(`     ${files.passphrase}: keep a copy of it, without it the key is lost`)
  printLine(`npub ${npub}`)
  printLine()
  printLine('Next:')
  for (const [i, step] of next.entries()) printLine(`  ${i + 1}. ${step}`)
}
