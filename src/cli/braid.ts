import { readFileSync } from 'node:fs'
import { Option, type Command } from 'commander'
import { openEngine } from '../crypto/engine.js'
import { nodeHashes } from '../crypto/hashes.js'
import { pairScope, type Scope } from '../core/decision.js'
import { npubOf, keyOf } from '../core/nodeinfo.js'
import type { HermId, MessageId, Pubkey } from '../core/types.js'
import type { Config } from '../config.js'
import type { StrandLine } from '../ports.js'
import { drawGraph } from './braid-graph.js'
import { configOf, openBraid, type Braid, type WhereOptions } from './bridge-client.js'
import { withConfig, withExample, withJson } from './commands.js'
import { ownPubkey } from './own-key.js'
import { CliError, printJson, printLine, printNote, printTable, usageError } from './print.js'
import { createProgress } from './progress.js'

interface LogOptions extends WhereOptions {
  readonly graph?: boolean
  readonly limit: number
  readonly with?: string
}

export const register = (program: Command): void => {
  const group = program.command('braid').description('The memory: every TXXM sent and received, as a DAG.')
  withExample(group, 'ksp braid log --graph')
  const verb = (name: string, about: string, example: string): Command =>
    withExample(withJson(withConfig(group.command(name).description(about))), `ksp braid ${example}`)

  verb('log', 'Strands, newest first.', 'log --graph --limit 20')
    .option('--graph', 'draw the DAG')
    .addOption(new Option('--limit <n>', 'how many').default(30).argParser(count))
    .option('--with <peer>', 'only what is shared with this peer, or: gossip')
    .action(log)
  verb('show', 'All that is known of one message: body, parents, deliveries with every step.', 'show 3fa2c1')
    .argument('<id>', 'id of a message, or the beginning of one')
    .action(show)
  verb('tips', 'Strands that no other one names as its parent.', 'tips').action(tips)
  verb('root', 'Root and count of each scope: two Herms that hold the same have the same.', 'root --with herm-b')
    .option('--with <peer>', 'only the scope shared with this peer, or: gossip')
    .action(root)
  verb('missing', 'Parents that were named and are not here.', 'missing').action(missing)
  verb('verify', 'Rechecks every hash, signature, count and root.', 'verify').action(verify)
  verb('diff', 'Compares with an export of another Herm: what only one of the two holds.', 'diff other.jsonl')
    .argument('<file>', 'what `ksp braid export` wrote there')
    .option('--with <peer>', 'compare one scope only')
    .action(diff)
  verb('export', 'Every strand as JSON Lines: body, attestation, event, scopes.', 'export > braid.jsonl')
    .option('--with <peer>', 'only what is shared with this peer, or: gossip')
    .action(exportBraid)
}

const count = (text: string): number => {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw usageError(`${text.slice(0, 20)} is no whole number`)
}

/** The scope shared with a peer: an npub, a hex key, or a Herm id that is pinned. */
const scopeWith = (peer: string | undefined, config: Config, braid: Braid): Scope | undefined => {
  if (peer === undefined) return undefined
  if (peer === 'gossip') return 'gossip'
  const pinned =
    config.trust.peers.find((p) => p.id === (peer as HermId))?.key ??
    braid.pins().find((p) => p.id === (peer as HermId))?.key
  const key = keyOf(peer) ?? pinned
  if (key === undefined)
    throw new CliError('unknown-peer', `no peer is known as ${peer}`, { hint: 'see: ksp peers list' })
  return pairScope(ownPubkey(config), key)
}

const opened = (options: WhereOptions): { config: Config; braid: Braid } => {
  const config = configOf(options)
  return { config, braid: openBraid(config) }
}

const log = (options: LogOptions): void => {
  const { config, braid } = opened(options)
  const scope = scopeWith(options.with, config, braid)
  const lines = braid.log({ limit: options.limit, ...(scope === undefined ? {} : { scope }) })
  if (options.json === true) {
    for (const line of lines) printJson(line)
    return
  }
  const names = hermNames(config, braid)
  if (options.graph !== true) {
    for (const line of lines) printLine(labelOf(line, names))
    return
  }
  const ids = new Set<string>(lines.map((l) => l.id))
  const nodes = childrenFirst(lines).map((line) => ({
    id: line.id,
    parents: line.parents,
    label: labelOf(line, names),
  }))
  for (const row of drawGraph(nodes, (id) => ids.has(id))) printLine(row)
}

/** Arrival order can put a parent before its child; a graph needs every child drawn before its parents. */
const childrenFirst = (lines: readonly StrandLine[]): StrandLine[] => {
  const byId = new Map(lines.map((l) => [l.id, l]))
  const open = new Map<MessageId, number>()
  for (const line of lines) for (const p of line.parents) if (byId.has(p)) open.set(p, (open.get(p) ?? 0) + 1)
  const ready = lines.filter((l) => !open.has(l.id))
  const out: StrandLine[] = []
  for (let line = ready.shift(); line !== undefined; line = ready.shift()) {
    out.push(line)
    for (const p of new Set(line.parents)) {
      const left = (open.get(p) ?? 0) - 1
      const parent = byId.get(p)
      if (parent === undefined) continue
      open.set(p, left)
      if (left === 0) ready.unshift(parent)
    }
  }
  return out
}

const hermNames = (config: Config, braid: Braid): Map<Pubkey, string> =>
  new Map([
    ...braid.pins().map((p) => [p.key, p.id] as const),
    ...config.trust.peers.flatMap((p) => (p.key === undefined || p.id === undefined ? [] : [[p.key, p.id] as const])),
    [ownPubkey(config), config.id] as const,
  ])

const labelOf = (line: StrandLine, names: ReadonlyMap<Pubkey, string>): string => {
  const at = new Date(line.createdAt * 1000).toISOString().replace('T', ' ').slice(0, 19)
  const author = names.get(line.author) ?? `${npubOf(line.author).slice(0, 14)}…`
  return `${line.id.slice(0, 10)}  ${at}  ${author}  ${line.type}  ${line.action}  → ${line.targetKor}`
}

/** A message by the beginning of its id, as git takes it. */
const findMessage = (braid: Braid, start: string): MessageId => {
  if (!/^[0-9a-f]{4,64}$/.test(start)) throw usageError('an id is 4 to 64 lowercase hex characters')
  const found = braid.find(start, 2)
  const [first, second] = found
  if (first === undefined) throw new CliError('not-found', `no message begins with ${start}`)
  if (second !== undefined)
    throw new CliError('ambiguous', `several messages begin with ${start}`, { hint: 'give more of it' })
  return first
}

const show = (id: string, options: WhereOptions): void => {
  const { config, braid } = opened(options)
  const details = braid.show(findMessage(braid, id))
  if (details === undefined) throw new CliError('not-found', `no message ${id}`)
  const body: unknown = JSON.parse(details.message.body)
  if (options.json === true) {
    printJson({ ...details, message: { ...details.message, body } })
    return
  }
  const names = hermNames(config, braid)
  const name = (key: string): string => names.get(key as Pubkey) ?? key
  printLine(`${details.message.kind} ${details.message.id}`)
  printLine(`author    ${name(details.message.author)}`)
  printLine(
    `arrived   ${new Date(details.arrivedAt).toISOString()}  ${details.strand?.origin ?? ''} ${details.strand?.road ?? ''}`,
  )
  printLine(`scopes    ${details.known.scopes.join(', ') || '-'}`)
  printLine(`attested  ${details.message.attestation === undefined ? 'no' : 'yes'}`)
  for (const p of details.parents) printLine(`parent    ${p.id}${p.here ? '' : ' (missing)'}`)
  for (const c of details.children) printLine(`child     ${c}`)
  for (const d of details.deliveries) {
    printLine(`delivery  ${name(d.to)}  ${d.state}  ${d.tries} tries`)
    for (const t of d.transitions) {
      const rest = [t.road, t.relay, t.event?.slice(0, 12), t.code, t.reason].filter((x) => x !== undefined).join(' ')
      printLine(`            ${new Date(t.at).toISOString()}  ${t.state}  ${rest}`)
    }
  }
  printLine(JSON.stringify(body, null, 2))
}

const tips = (options: WhereOptions): void => {
  const { braid } = opened(options)
  const rows = braid.tips()
  if (options.json === true) for (const row of rows) printJson(row)
  else
    printTable(
      ['tip', 'scope'],
      rows.map((r) => [r.id, r.scope]),
    )
}

const root = (options: WhereOptions & { with?: string }): void => {
  const { config, braid } = opened(options)
  const scope = scopeWith(options.with, config, braid)
  const rows = scope === undefined ? braid.scopes() : [{ scope, ...braid.root(scope) }]
  if (options.json === true) for (const row of rows) printJson(row)
  else
    printTable(
      ['root', 'strands', 'scope'],
      rows.map((r) => [r.root, String(r.count), r.scope]),
    )
}

const missing = (options: WhereOptions): void => {
  const { braid } = opened(options)
  const rows = braid.missingParents(1_000)
  if (options.json === true) for (const row of rows) printJson(row)
  else if (rows.length === 0) printLine('no parent is missing')
  else
    printTable(
      ['parent', 'named by', 'since'],
      rows.map((r) => [r.id, r.child, new Date(r.since).toISOString()]),
    )
}

const verify = async (options: WhereOptions): Promise<void> => {
  const { braid, config } = opened(options)
  const engine = await openEngine(config.crypto.engine)
  const findings: unknown[] = []
  let checked = 0
  let progress: ReturnType<typeof createProgress> | undefined
  let part = ''
  for (const step of braid.verify(nodeHashes, engine.verify)) {
    if (step.kind === 'finding') {
      findings.push(step)
      if (options.json !== true) printNote(`${step.code}: ${JSON.stringify(step)}`)
      continue
    }
    if (step.part !== part) {
      progress?.end()
      part = step.part
      progress = createProgress(part, step.total, options.json !== true)
    }
    if (step.part === 'messages') checked = step.checked
    progress?.at(step.checked)
  }
  progress?.end()
  if (options.json === true) printJson({ ok: findings.length === 0, messages: checked, findings })
  if (findings.length > 0) {
    if (options.json === true) process.exitCode = 1
    else
      throw new CliError('damaged', `${findings.length} findings in ${checked} messages`, {
        hint: 'restore a backup, or ask the peers again',
      })
  } else if (options.json !== true)
    printLine(`${checked} messages verified: every hash, signature, parent, count and root holds`)
}

const exportBraid = (options: WhereOptions & { with?: string }): void => {
  const { config, braid } = opened(options)
  for (const strand of braid.export(scopeWith(options.with, config, braid))) printJson(strand)
}

const diff = (file: string, options: WhereOptions & { with?: string }): void => {
  const { config, braid } = opened(options)
  const scope = scopeWith(options.with, config, braid)
  let lines: string[]
  try {
    lines = readFileSync(file, 'utf8')
      .split('\n')
      .filter((l) => l !== '')
  } catch (error) {
    throw usageError(`${file} can't be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  const theirs = new Set<string>()
  for (const [i, line] of lines.entries()) {
    const strand = readStrand(line)
    if (strand === undefined) throw usageError(`${file}:${i + 1}: no line of ksp braid export`)
    if (scope === undefined || strand.scopes.includes(scope)) theirs.add(strand.id)
  }
  const onlyHere: string[] = []
  for (const strand of braid.export(scope)) if (!theirs.delete(strand.id)) onlyHere.push(strand.id)
  const onlyThere = [...theirs]
  if (options.json === true)
    printJson({ equal: onlyHere.length + onlyThere.length === 0, only_here: onlyHere, only_there: onlyThere })
  else {
    for (const id of onlyHere) printLine(`< ${id}`)
    for (const id of onlyThere) printLine(`> ${id}`)
    if (onlyHere.length + onlyThere.length === 0) printLine('equal')
  }
  if (onlyHere.length + onlyThere.length > 0) process.exitCode = 1
}

const readStrand = (line: string): { id: string; scopes: string[] } | undefined => {
  try {
    const s = JSON.parse(line) as { id?: unknown; scopes?: unknown } | null
    if (typeof s?.id !== 'string' || !Array.isArray(s.scopes)) return undefined
    return { id: s.id, scopes: s.scopes.map(String) }
  } catch {
    return undefined
  }
}
