import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { getPublicKey } from 'nostr-tools/pure'
import type { EventTemplate, NostrEvent, Pubkey, UnixSec } from '../../src/core/types.js'
import type { Filter } from '../../src/core/match.js'
import { startChild, type Child } from '../../src/ops/child.js'

/** Clients of other makes, each in a process of its own (interop-<make>.mjs). */
export const MAKES = ['nostr-tools', 'ndk', 'rust'] as const
export type Make = (typeof MAKES)[number]

export interface Synced {
  /** Events that the client gave to the relay, and got from it. */
  readonly sent: number
  readonly received: number
  /** Ids of what the client has then. */
  readonly held: string[]
}

/** Each call rejects with the reason that the client gives. */
export interface ForeignClient {
  readonly make: Make
  /** Signs and sends, and resolves when the relay has taken it. */
  publish(template: Partial<EventTemplate>): Promise<NostrEvent>
  /** What is stored. */
  fetch(filter: Filter): Promise<NostrEvent[]>
  /** Resolves at EOSE. */
  watch(name: string, filter: Filter): Promise<void>
  /** The event with this id, once the subscription has brought it. */
  live(name: string, id: string): Promise<NostrEvent>
  count(filter: Filter): Promise<number>
  /** NIP-17; resolves with the id of the gift wrap. */
  dm(to: Pubkey, text: string): Promise<string>
  unwrap(wrap: NostrEvent): Promise<{ sender: string; text: string }>
  /** NIP-11. */
  info(): Promise<Record<string, unknown>>
  /** NIP-77, both ways, with the events that the client has. */
  sync(filter: Filter, events: readonly NostrEvent[]): Promise<Synced>
  /** NIP-77 without moving an event: ids that only the client has, and that only the relay has. No event need be a true one. */
  compare(filter: Filter, events: readonly NostrEvent[]): Promise<{ have: string[]; need: string[] }>
  /** All that it has said. */
  readonly said: readonly string[]
  stop(): Promise<unknown>
}

export interface ForeignKey {
  readonly secret: Uint8Array
  readonly pubkey: Pubkey
}

export const newKey = (): ForeignKey => {
  const secret = new Uint8Array(randomBytes(32))
  return { secret, pubkey: getPublicKey(secret) as Pubkey }
}

/** Without a key it can't authenticate. */
export const startForeign = async (make: Make, url: string, key?: ForeignKey): Promise<ForeignClient> => {
  const program = fileURLToPath(new URL(`interop-${make}.mjs`, import.meta.url))
  const env = { FOREIGN_SECRET: key === undefined ? '' : Buffer.from(key.secret).toString('hex') }
  const child = startChild(program, [url], { env, tied: true })
  await child.line(/^\{"ready":true\}$/)
  const ask = asking(child)

  return {
    make,
    publish: (over) => ask('publish', { kind: 1, content: '', tags: [], created_at: nowSec(), ...over }),
    fetch: (filter) => ask('fetch', filter),
    watch: (name, filter) => ask('watch', name, filter),
    live: async (name, id) => {
      const line = await child.line(new RegExp(`^\\{"live":"${name}","id":"${id}"`))
      return (JSON.parse(line) as { event: NostrEvent }).event
    },
    count: (filter) => ask('count', filter),
    dm: (to, text) => ask('dm', to, text),
    unwrap: (wrap) => ask('unwrap', wrap),
    info: () => ask('info'),
    sync: (filter, events) => ask('sync', filter, events),
    compare: (filter, events) => ask('compare', filter, events),
    said: child.out,
    stop: () => child.stop(),
  }
}

const asking = (child: Child): (<T>(call: string, ...args: unknown[]) => Promise<T>) => {
  let n = 0
  return async <T>(call: string, ...args: unknown[]): Promise<T> => {
    const answer = child.line(new RegExp(`^\\{"n":${++n},`))
    child.process.stdin?.write(`${JSON.stringify({ n, call, args })}\n`)
    const { value, error } = JSON.parse(await answer) as { value: T; error?: string }
    if (error !== undefined) throw new Error(error)
    return value
  }
}

export const nowSec = (): UnixSec => Math.floor(Date.now() / 1000) as UnixSec
