import type { Command } from 'commander'
import type { Config } from '../config.js'
import { npubOf } from '../core/nodeinfo.js'
import { makeRoster } from '../core/peers.js'
import type { Pubkey } from '../core/types.js'
import { ownPubkey } from './own-key.js'
import { callBridge, configOf, needBridge, openBraid, type WhereOptions } from './bridge-client.js'
import { withConfig, withExample, withJson } from './commands.js'
import { printJson, printLine, printTable } from './print.js'

export const register = (program: Command): void => {
  const group = program.command('peers').description('Who is there, what they offer, and whether they are trusted.')
  withExample(group, 'ksp peers list')

  const list = group
    .command('list')
    .description('Every Herm whose node-info was seen, and every peer of the configuration.')
  withExample(withJson(withConfig(list)), 'ksp peers list --json').action(listPeers)

  for (const verdict of ['approve', 'block'] as const) {
    const what =
      verdict === 'approve'
        ? 'Trusts a peer; what it had sent is looked at again.'
        : 'Refuses all that comes from a peer from now on.'
    const command = group
      .command(verdict)
      .argument('<peer>', 'npub, hex key, or Herm id of a peer that was seen')
      .description(what)
    withExample(withJson(withConfig(command)), `ksp peers ${verdict} herm-b`).action(
      (peer: string, options: WhereOptions) => grant(verdict, peer, options),
    )
  }

  const watch = group.command('watch').description('Prints a line whenever what is known of a peer changes.')
  withExample(withJson(withConfig(watch)), 'ksp peers watch').action(watchPeers)
}

export interface PeerRow {
  readonly id?: string
  readonly key: Pubkey
  readonly npub: string
  readonly trust: string
  readonly status: string
  readonly fresh: boolean
  readonly kor: readonly string[]
  readonly transports: readonly string[]
  readonly software?: string
}

const rowsOf = (config: Config): PeerRow[] => {
  const braid = openBraid(config)
  const me = ownPubkey(config)
  const infos = braid.peers()
  const roster = makeRoster({
    me,
    myId: config.id,
    mode: config.trust.mode,
    rules: config.trust.peers,
    grants: braid.grants(),
    pins: braid.pins(),
    infos,
  })
  const now = Date.now()
  const keys = new Set([...roster.trustedKeys(), ...infos.map((i) => i.key)])
  return [...keys].map((key) => {
    const info = roster.infoOf(key)?.info
    const id = info?.id ?? roster.hermOf(key)
    return {
      ...(id === undefined ? {} : { id }),
      key,
      npub: npubOf(key),
      trust: roster.standing(key).why,
      status: info?.status ?? 'unseen',
      fresh: roster.isFresh(key, now as never),
      kor: info?.kor_namespaces ?? [],
      transports: info?.transports ?? [],
      ...(info?.software === undefined ? {} : { software: `${info.software.name} ${info.software.version}` }),
    }
  })
}

const listPeers = (options: WhereOptions): void => {
  const rows = rowsOf(configOf(options))
  if (options.json === true) {
    for (const row of rows) printJson(row)
    return
  }
  if (rows.length === 0) {
    printLine('no peer was seen yet; peers show up when they publish their node-info to a relay of yours')
    return
  }
  printTable(
    ['id', 'trust', 'status', 'serves', 'roads', 'npub'],
    rows.map((r) => [
      r.id ?? '-',
      r.trust,
      r.fresh ? r.status : `${r.status} (stale)`,
      r.kor.join(' ') || '-',
      r.transports.join(' ') || '-',
      r.npub,
    ]),
  )
}

const grant = async (verdict: 'approve' | 'block', peer: string, options: WhereOptions): Promise<void> => {
  const client = await needBridge(configOf(options))
  try {
    const done = (await callBridge(client, `peers.${verdict}`, { peer })) as { key: Pubkey; id?: string }
    if (options.json === true) printJson(done)
    else printLine(`${done.id ?? ''} ${npubOf(done.key)} is ${verdict === 'approve' ? 'trusted' : 'blocked'}`.trim())
  } finally {
    client.close()
  }
}

/** How often the store is looked at by `watch`: it tells by a counter whether anything was written. */
const LOOK_MS = 500

const watchPeers = async (options: WhereOptions): Promise<void> => {
  const config = configOf(options)
  const before = new Map<string, string>()
  for (;;) {
    for (const row of rowsOf(config)) {
      const text = JSON.stringify(row)
      if (before.get(row.key) === text) continue
      before.set(row.key, text)
      if (options.json === true) printJson(row)
      else printLine(`${row.id ?? '-'}  ${row.trust}  ${row.status}${row.fresh ? '' : ' (stale)'}  ${row.npub}`)
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  }
}
