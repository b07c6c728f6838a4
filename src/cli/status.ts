import { join } from 'node:path'
import { existsSync } from 'node:fs'
import type { Command } from 'commander'
import type { BridgeStatus } from '../bridge-status.js'
import { socketPath } from '../config.js'
import { connectControl } from '../ops/control-client.js'
import { callBridge, configOf, openBraid, type WhereOptions } from './bridge-client.js'
import { withConfig, withExample, withJson } from './commands.js'
import { printJson, printLine, printTable } from './print.js'

export const register = (program: Command): void => {
  const command = program
    .command('status')
    .description('Shows peers, relays, ports, queues and the braid; without a running bridge, what is stored.')
  withExample(withJson(withConfig(command)), 'ksp status').action(status)
}

const status = async (options: WhereOptions): Promise<void> => {
  const config = configOf(options)
  const client = await connectControl(socketPath(config))
  if (client === undefined) {
    const stored = storedStatus(config)
    if (options.json === true) printJson(stored)
    else printStored(stored, config.file)
    return
  }
  const running = (await callBridge(client, 'status')) as BridgeStatus
  client.close()
  if (options.json === true) printJson(running)
  else printRunning(running)
}

const storedStatus = (config: ReturnType<typeof configOf>): StoredStatus => {
  if (!existsSync(join(config.dataDir, 'braid.sqlite'))) return { running: false, id: config.id }
  const braid = openBraid(config)
  const counts = braid.counts()
  return {
    running: false,
    id: config.id,
    deliveries: counts.deliveries,
    receipts_owed: counts.receiptsOwed,
    braid: { strands: counts.strands, scopes: counts.scopes },
  }
}

interface StoredStatus extends Partial<Pick<BridgeStatus, 'deliveries' | 'receipts_owed' | 'braid'>> {
  readonly running: false
  readonly id: string
}

const printStored = (s: StoredStatus, file: string): void => {
  printLine(`${s.id} is not running (start it with: ksp run --config ${file})`)
  if (s.deliveries !== undefined) printLine(`deliveries  ${counted(s.deliveries)}`)
  if (s.braid !== undefined) printBraid(s.braid)
}

const printRunning = (s: BridgeStatus): void => {
  printLine(`${s.id}  ${s.npub}`)
  const engine = s.engine_library === undefined ? s.engine : `${s.engine} (${s.engine_library})`
  printLine(`running as ${s.pid} for ${s.uptime_s} s, ${s.rss_mb} MB, ksp ${s.version}, signatures by ${engine}`)
  if (s.engine_reason !== undefined) printLine(`no faster engine: ${s.engine_reason}`)
  if (s.test_clock_offset_s !== undefined) printLine(`TEST CLOCK: ${s.test_clock_offset_s} s off`)
  for (const conflict of s.conflicts) printLine(`CONFLICT: ${conflict}`)
  printLine()
  printTable(
    ['relay', 'state', 'roads', 'in', 'out', 'refused', 'lag', 'last failure'],
    s.relays.map((r) => [
      r.url,
      r.state,
      r.roads.join(' '),
      String(r.received),
      String(r.published),
      String(r.refused),
      r.lagMs === undefined ? '-' : `${r.lagMs} ms`,
      r.reason ?? '',
    ]),
  )
  printLine()
  printTable(
    ['peer', 'trusted', 'status', 'key'],
    s.peers.map((p) => [p.id ?? '-', p.why, p.fresh ? p.status : `${p.status} (stale)`, p.npub]),
  )
  printLine()
  for (const p of s.ports) {
    const about =
      p.peer === undefined
        ? ''
        : Object.entries(p.peer)
            .map(([k, v]) => `${k}=${v}`)
            .join(' ')
    printLine(`port ${p.name}  ${p.state}  ${about}${p.reason === undefined ? '' : `  ${p.reason}`}`)
  }
  printLine(`deliveries  ${counted(s.deliveries)}, receipts owed ${s.receipts_owed}`)
  printLine(`refused     ${counted(s.refusals)}`)
  printBraid(s.braid)
}

/** The numbers that are not zero. */
const counted = (numbers: Record<string, number>): string =>
  Object.entries(numbers)
    .filter(([, n]) => n > 0)
    .map(([name, n]) => `${name} ${n}`)
    .join(', ') || 'none'

const printBraid = (braid: BridgeStatus['braid']): void => {
  printLine(`braid       ${braid.strands} strands`)
  for (const s of braid.scopes) printLine(`  ${shortScope(s.scope)}  ${s.count} strands  root ${s.root}`)
}

const shortScope = (scope: string): string =>
  scope.startsWith('pair:') ? `pair ${scope.slice(5, 13)}… ${scope.slice(70, 78)}…` : scope
