import { afterEach } from 'vitest'
import { startRelay } from '../../relay/index.js'
import type { Relay, RelayOptions } from '../../relay/index.js'
import type { UnixMs } from '../../src/core/types.js'
import { connectClient } from './relay-client.js'
import type { RelayClient } from './relay-client.js'
import type { Author } from './signed.js'

/** Relays of this process and clients of them, gone after each test. */
export interface TestRelays {
  /** On a free port, with a database in memory, unless said otherwise. */
  start(over?: Partial<RelayOptions>): Promise<Relay>
  connect(relay: Pick<Relay, 'url'>, ...authors: readonly Author[]): Promise<RelayClient>
}

/** `nowSec`: what all their clocks say. Default: the time of the machine. */
export const testRelays = (nowSec?: number): TestRelays => {
  const relays: Relay[] = []
  const clients: RelayClient[] = []
  const clock = nowSec === undefined ? {} : { clock: { now: () => (nowSec * 1_000) as UnixMs } }
  afterEach(async () => {
    for (const client of clients.splice(0)) client.socket.terminate()
    await Promise.all(relays.splice(0).map((relay) => relay.close()))
  })
  return {
    start: async (over = {}) => {
      const relay = await startRelay({ host: '127.0.0.1', port: 0, db: ':memory:', ...clock, ...over })
      relays.push(relay)
      return relay
    },
    connect: async (relay, ...authors) => {
      const client = await (nowSec === undefined ? connectClient(relay.url) : connectClient(relay.url, nowSec))
      clients.push(client)
      for (const author of authors) await client.authenticate(author)
      return client
    },
  }
}
