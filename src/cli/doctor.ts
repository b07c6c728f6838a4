import type { Command } from 'commander'
import type { BridgeStatus } from '../bridge-status.js'
import { ownRelay } from '../bridge-relay.js'
import { ConfigError, lineOf, readConfig, socketPath, type Config } from '../config.js'
import { connectControl } from '../ops/control-client.js'
import { callBridge, type WhereOptions } from './bridge-client.js'
import { withConfig, withExample, withJson } from './commands.js'
import { doubt, fine, trouble, type Finding } from './doctor/finding.js'
import { checkEngine, checkNode, checkSqlite } from './doctor/machine.js'
import { checkDataFolder, checkDisk, checkKeystore, checkStore } from './doctor/places.js'
import { checkClock, checkRelay } from './doctor/reach.js'
import { printJson, printLine, usageError } from './print.js'
import { kspVersion } from './version.js'

interface DoctorOptions extends WhereOptions {
  readonly timeout: string
}

export const register = (program: Command): void => {
  const command = program
    .command('doctor')
    .description('Checks what the bridge needs, changes nothing, and says what to do. Exit code 1 if anything failed.')
    .option('--timeout <seconds>', 'how long a relay may take to answer', '5')
  withExample(withJson(withConfig(command)), 'ksp doctor').action(doctor)
}

const MAX_TIMEOUT_S = 60

const doctor = async (options: DoctorOptions): Promise<void> => {
  const timeoutMs = Number(options.timeout) * 1_000
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_S * 1_000)) {
    throw usageError(`--timeout needs a number of seconds up to ${MAX_TIMEOUT_S}`)
  }
  const findings: Finding[] = []
  // One after the other as they are known: who watches sees which one takes its time.
  const say = (...more: readonly Finding[]): void => {
    findings.push(...more)
    if (options.json !== true) for (const finding of more) printFinding(finding)
  }

  say(checkNode(), await checkSqlite())
  const { config, finding } = readConfiguration(options.config)
  say(await checkEngine(config?.crypto.engine ?? 'auto'), finding)
  if (config === undefined) say(checkClock([]))
  else {
    say(checkKeystore(config), checkDataFolder(config), checkDisk(config), checkStore(config))
    const bridge = await checkBridge(config)
    say(bridge.finding)
    const reached = await Promise.all(config.relays.map(({ url }) => checkRelay(url, timeoutMs)))
    say(...reached.map(({ finding }, i) => withRefusal(finding, config.relays[i]?.url, bridge.relays)))
    say(...(await checkPrivateRelay(config, bridge.isRunning, timeoutMs)))
    say(checkClock(reached.flatMap(({ skewMs }) => skewMs ?? [])))
  }

  const failed = findings.filter(({ state }) => state === 'fail').length
  if (options.json === true) printJson({ ok: failed === 0, checks: findings })
  else printLine(failed === 0 ? 'nothing failed' : `${failed} of ${findings.length} failed`)
  if (failed > 0) process.exitCode = 1
}

const printFinding = ({ check, state, found, advice }: Finding): void =>
  printLine(`${state.padEnd(4)}  ${check.padEnd(13)}  ${found}${advice === undefined ? '' : `; ${advice}`}`)

const readConfiguration = (path: string | undefined): { config?: Config; finding: Finding } => {
  try {
    const { config, warnings } = readConfig(path)
    const [first] = warnings
    const finding =
      first === undefined
        ? fine('config', `${config.file} is right`)
        : doubt('config', lineOf(first), 'ksp config check tells all')
    return { config, finding }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const [first] = error.mistakes
    return { finding: trouble('config', first === undefined ? error.message : lineOf(first), error.hint) }
  }
}

type OpenRelays = BridgeStatus['relays']

/** Who answers may still refuse our key: the bridge knows, since it is the one that has it. */
const withRefusal = (finding: Finding, url: string | undefined, relays: OpenRelays): Finding => {
  const refusal = relays.find((relay) => relay.url === url && relay.state === 'open')?.reason
  if (refusal === undefined || finding.state === 'fail') return finding
  const advice = "its operator must let this Herm's key in, and name the URL by which you ask it (--public-url)"
  return doubt(finding.check, `${finding.found}; to the bridge it says: ${refusal}`, advice)
}

const checkBridge = async (config: Config): Promise<{ finding: Finding; isRunning: boolean; relays: OpenRelays }> => {
  const client = await connectControl(socketPath(config))
  if (client === undefined) {
    return {
      finding: fine('bridge', `not running; start it with: ksp run --config ${config.file}`),
      isRunning: false,
      relays: [],
    }
  }
  try {
    const { pid, uptime_s: uptimeS, version, relays } = (await callBridge(client, 'status')) as BridgeStatus
    const found = `running as ${pid} for ${uptimeS} s, ksp ${version}`
    const isOld = version !== kspVersion()
    const finding = isOld
      ? doubt('bridge', found, `restart it: ksp ${kspVersion()} is installed`)
      : fine('bridge', found)
    return { finding, isRunning: true, relays }
  } finally {
    client.close()
  }
}

/** It is the bridge's child: without the bridge it is not expected to answer. */
const checkPrivateRelay = async (config: Config, isRunning: boolean, timeoutMs: number): Promise<Finding[]> => {
  const { privateRelay } = config
  if (privateRelay === undefined) return []
  const { url } = ownRelay(privateRelay)
  if (!isRunning) return [fine('private-relay', `${url} is started by the bridge, which does not run`)]
  const { finding } = await checkRelay(url, timeoutMs, 'private-relay')
  return [finding.state === 'fail' ? { ...finding, advice: "its reason stands in the bridge's log" } : finding]
}
