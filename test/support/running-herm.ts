import Database from 'better-sqlite3'
import { existsSync } from 'node:fs'
import type { BridgeStatus } from '../../src/bridge-status.js'
import type { HermPart } from '../../src/cli/two-system/mesh.js'
import { loadConfig, socketPath } from '../../src/config.js'
import type { JsonObject } from '../../src/core/types.js'
import { connectControl } from '../../src/ops/control-client.js'
import { startKsp } from '../../src/ops/child.js'
import { eventually } from './eventually.js'
import { rawClient } from './kapnetd.js'

/** Asks a running bridge through its control socket, as the command line does. */
export const ask = async (herm: HermPart, method: string, params: JsonObject = {}): Promise<unknown> => {
  const client = await connectControl(socketPath(loadConfig(herm.config)))
  if (client === undefined) throw new Error(`the bridge of ${herm.id} does not answer`)
  try {
    return await client.call(method, params)
  } finally {
    client.close()
  }
}

/** What `ksp status --json` prints. */
export const statusOf = (herm: HermPart): Promise<BridgeStatus> => ask(herm, 'status') as Promise<BridgeStatus>

/** A verb of the command line about this Herm; its output. */
export const ksp = async (herm: HermPart, ...args: string[]): Promise<string> => {
  const child = startKsp([...args, '--config', herm.config])
  const { code } = await child.ended
  if (code !== 0) throw new Error(`ksp ${args.join(' ')}: ${child.err.join('\n')}`)
  return child.out.join('\n')
}

/** Queues one TXXM and resolves with its id. */
export const send = async (
  herm: HermPart,
  order: { to: string[]; key: string; public?: boolean; deniable?: boolean; payload?: JsonObject },
): Promise<string> => {
  const orders = [{ type: 'submission', action: 'room.post', payload: { text: order.key }, ...order }]
  const [answer] = (await ask(herm, 'send', { orders })) as { id?: string }[]
  if (answer?.id === undefined) throw new Error(`the order was not taken: ${JSON.stringify(answer)}`)
  return answer.id
}

/** Runs a query beside the bridge, on what it has committed. */
export const query = <T>(herm: Pick<HermPart, 'braid'>, sql: string, ...values: unknown[]): T[] => {
  const db = new Database(herm.braid, { readonly: true })
  try {
    return db.prepare(sql).all(...values) as T[]
  } finally {
    db.close()
  }
}

/** All tables that tell what was taken, believed or owed. Not among them: marks, counters, and what relays were asked. */
const TAKEN = [
  'messages',
  'scopes',
  'scope_members',
  'parents',
  'waiting',
  'missing',
  'tips',
  'deliveries',
  'transitions',
  'sent',
  'order_keys',
  'answers',
  'peers',
  'pins',
  'grants',
] as const
export type Taken = Record<(typeof TAKEN)[number], number>

/** How many rows each of these tables has. */
export const takenBy = (herm: Pick<HermPart, 'braid'>): Taken => {
  const columns = TAKEN.map((table) => `(SELECT count(*) FROM ${table}) AS ${table}`)
  return query<Taken>(herm, `SELECT ${columns.join(', ')}`)[0]!
}

/** Resolves when its relays are open, and it knows what each of these keys says of itself. */
export const meets = (herm: HermPart, keys: readonly string[]): Promise<unknown> =>
  eventually(
    `${herm.id} is connected and has met its peers`,
    async () => ({
      relays: (await statusOf(herm)).relays.map((r) => r.state),
      met: query<{ key: string }>(herm, 'SELECT lower(hex(key)) AS key FROM peers').map((row) => row.key),
    }),
    ({ relays, met }) => relays.every((state) => state === 'open') && keys.every((key) => met.includes(key)),
  )

/** Resolves when whatever it owed its daemon and its peers by way of receipts has been paid. */
export const isQuiet = (herm: HermPart): Promise<unknown> =>
  eventually(
    `${herm.id} owes no receipt and no local delivery`,
    async () => ({
      receipts: (await statusOf(herm)).receipts_owed,
      local: query(
        herm,
        `SELECT 1 FROM deliveries d JOIN destinations t ON t.id = d.destination
         WHERE t.name LIKE 'port:%' AND d.state NOT IN ('done', 'dead')`,
      ).length,
    }),
    ({ receipts, local }) => receipts + local === 0,
  )

export const holds = (herm: HermPart, id: string): boolean =>
  query(herm, 'SELECT 1 FROM messages WHERE id = ?', Buffer.from(id, 'hex')).length > 0

export interface MarkRow {
  readonly code: string | null
  readonly generation: number | null
}
export const markOf = (herm: HermPart, event: string): MarkRow | undefined =>
  query<MarkRow>(herm, 'SELECT code, generation FROM marks WHERE id = ?', Buffer.from(event, 'hex'))[0]

/** Whether the local daemon holds this TXXM. */
export const daemonHolds = async (herm: HermPart, id: string): Promise<boolean> => {
  if (!existsSync(herm.kapnetdSocket)) throw new Error(`no kapnetd of ${herm.id}`)
  const client = await rawClient(herm.kapnetdSocket)
  const { result } = (await client.call('has', { ids: [id] })) as { result: { missing: string[] } } & JsonObject
  client.close()
  return !result.missing.includes(id)
}
