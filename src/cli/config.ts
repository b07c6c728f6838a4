import type { Command } from 'commander'
import { optionsHelp } from '../config/render-options.js'
import { lineOf, readConfig, type Config, type LoadedConfig } from '../config.js'
import { callBridge, needBridge } from './bridge-client.js'
import { flagsOf, withConfig, withConfigFlags, withExample, withJson } from './commands.js'
import { printJson, printLine, printTable, printWarning } from './print.js'

interface ConfigOptions extends Record<string, unknown> {
  readonly config?: string
  readonly json?: boolean
}

export const register = (program: Command): void => {
  const group = program.command('config').description('Checks and shows the configuration.')
  group.addHelpText('after', `\n${optionsHelp()}`)
  withExample(group, 'ksp config check')

  const check = group.command('check').description('Reads ksp.yaml and names every mistake at once, with its line.')
  withExample(withJson(withConfigFlags(check)), 'ksp config check --config ksp.yaml').action(runCheck)

  const show = group.command('show').description('Shows what holds: each option, its value, and where that comes from.')
  withExample(withJson(withConfigFlags(show)), 'ksp config show --json').action(runShow)

  const reload = group
    .command('reload')
    .description(
      'Makes the running bridge read its file again: trust, namespaces and what it advertises. The rest needs a restart.',
    )
  withExample(withJson(withConfig(reload)), 'ksp config reload').action(runReload)
}

const load = (options: ConfigOptions): LoadedConfig => readConfig(options.config, { flags: flagsOf(options) })

const runCheck = (options: ConfigOptions): void => {
  const { config, warnings } = load(options)
  if (options.json === true) {
    printJson({ ok: true, file: config.file, warnings })
    return
  }
  for (const warning of warnings) printWarning(lineOf(warning))
  printLine(`${config.file} is right`)
}

/** The running bridge reads it, so that what it says is what holds; a file with mistakes leaves the old one in use. */
const runReload = async (options: ConfigOptions): Promise<void> => {
  const { config } = readConfig(options.config)
  const client = await needBridge(config)
  try {
    const done = (await callBridge(client, 'reload')) as { generation: number }
    if (options.json === true) printJson({ ok: true, ...done })
    else printLine(`${config.file} holds now, generation ${done.generation}`)
  } finally {
    client.close()
  }
}

const runShow = (options: ConfigOptions): void => {
  const { config, warnings, origins } = load(options)
  if (options.json === true) {
    printJson(config)
    return
  }
  for (const warning of warnings) printWarning(lineOf(warning))
  const from = (key: string): string => {
    const origin = origins.get(key)
    if (origin === undefined) return 'default'
    return origin.line === undefined ? origin.source : `${origin.source}:${origin.line}`
  }
  printTable(
    ['option', 'value', 'from'],
    shown(config).map(([key, value]) => [key, value, from(key)]),
  )
}

const list = (values: readonly string[] | undefined): string | undefined => values && `[${values.join(', ')}]`

/** In the largest unit that leaves a whole number. */
const inUnits = (n: number, units: readonly (readonly [string, number])[]): string => {
  const [name, unit] = units.find(([, unit]) => n % unit === 0) ?? ['', 1]
  return `${n / unit}${name}`
}
const time = (ms: number): string =>
  inUnits(ms, [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
    ['ms', 1],
  ])
const size = (bytes: number): string =>
  inUnits(bytes, [
    ['MiB', 1024 ** 2],
    ['KiB', 1024],
    ['B', 1],
  ])
const map = (names: Readonly<Record<string, string>> | undefined): string | undefined => names && JSON.stringify(names)

/** What holds, in the words of ksp.yaml. */
const shown = (c: Config): [string, string][] => {
  const rows: [string, string | undefined][] = [
    ['id', c.id],
    ['data_dir', c.dataDir],
    ['kor_namespaces', list(c.korNamespaces)],
    ['identity.keystore', c.identity.keystore],
    ['identity.key', c.identity.key],
    ['identity.passphrase_file', c.identity.passphraseFile],
    ...c.relays.flatMap(({ url, roads, read, write }, i): [string, string | undefined][] => [
      [`relays[${i}].url`, url],
      [`relays[${i}].roads`, list(roads)],
      [`relays[${i}].read_only`, write ? undefined : 'true'],
      [`relays[${i}].write_only`, read ? undefined : 'true'],
    ]),
    ['private_relay.listen', c.privateRelay && `${c.privateRelay.host}:${c.privateRelay.port}`],
    ['private_relay.db', c.privateRelay?.db],
    ['private_relay.public_url', c.privateRelay?.publicUrl],
    ['private_relay.only_trusted', c.privateRelay && String(c.privateRelay.onlyTrusted)],
    ...Object.entries(c.privateRelay?.options ?? {}).map(([name, texts]): [string, string] => [
      `private_relay.${name}`,
      texts.join() === '' ? 'true' : texts.join(', '),
    ]),
    ['trust.mode', c.trust.mode],
    ...c.trust.peers.flatMap((peer, i): [string, string | undefined][] => [
      [`trust.peers[${i}].key`, peer.key],
      [`trust.peers[${i}].id`, peer.id],
      [`trust.peers[${i}].kor`, list(peer.kor)],
      [`trust.peers[${i}].actions`, list(peer.actions)],
      [`trust.peers[${i}].agents`, list(peer.agents)],
    ]),
    ['local.kapnetd.socket', c.local.kapnetd?.socket],
    ['local.kapnetd.methods', map(c.local.kapnetd?.methods)],
    ['local.kapnetd.fields', map(c.local.kapnetd?.fields)],
    ['advertise.interval', time(c.advertise.intervalMs)],
    ['advertise.expire', time(c.advertise.expireMs)],
    ['advertise.endpoint', c.advertise.endpoint],
    ['limits.max_envelope', size(c.limits.maxEnvelopeBytes)],
    ['limits.peer_rate', String(c.limits.peerRatePerSecond)],
    ['limits.outbox_max_age', time(c.limits.outboxMaxAgeMs)],
    ['delivery.receipt_timeout', time(c.delivery.receiptTimeoutMs)],
    ['delivery.backoff_min', time(c.delivery.backoffMinMs)],
    ['delivery.backoff_max', time(c.delivery.backoffMaxMs)],
    ['delivery.tries_per_road', String(c.delivery.triesPerRoad)],
    ['allow_private_endpoints', String(c.allowPrivateEndpoints)],
    ['crypto.engine', c.crypto.engine],
    ['log.level', c.log.level],
  ]
  return rows.filter((row): row is [string, string] => row[1] !== undefined)
}
