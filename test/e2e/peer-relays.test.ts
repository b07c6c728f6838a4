import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import type { UnixSec } from '../../src/core/types.js'
import { openEngine } from '../../src/crypto/engine.js'
import { startChild, type Child } from '../../src/ops/child.js'
import { connectClient, type RelayClient } from '../support/relay-client.js'
import { ids } from '../support/relay-store.js'
import { authorOf } from '../support/signed.js'

const children: Child[] = []
afterEach(() => Promise.all(children.splice(0).map((child) => child.stop())))

const connectTo = async (name: string, ...args: string[]): Promise<RelayClient> => {
  const child = startChild(fileURLToPath(new URL(`../support/${name}.mjs`, import.meta.url)), args)
  children.push(child)
  return connectClient((await child.line(/^ready /)).slice('ready '.length))
}
const NOW = Math.floor(Date.now() / 1000) as UnixSec

describe('the relay of npm', () => {
  it('takes our events, serves them as they came, and refuses a forged one', async () => {
    const alice = authorOf(await openEngine(), 'alice')
    const client = await connectTo('npm-relay')
    const event = alice.sign({
      kind: 30_078,
      created_at: NOW,
      content: 'é 😀 \u0001',
      tags: [
        ['d', 'x'],
        ['t', 'kapnet'],
      ],
    })
    const forged = { ...alice.sign({ created_at: NOW, content: 'other' }), sig: event.sig }

    expect((await client.publish(event)).accepted).toBe(true)
    expect((await client.publish(forged)).accepted).toBe(false)
    expect(await client.stored({ kinds: [30_078], '#t': ['kapnet'] })).toEqual([event])
  })
})

describe('the relay that checks nothing', () => {
  it('takes anything and sends it to everyone', async () => {
    const client = await connectTo('lax-relay')
    client.send('REQ', 'live', { kinds: [7] })
    await client.take('EOSE', 'live')
    const nonsense = { id: 'no id', kind: 'no kind' }

    expect((await client.publish(nonsense)).accepted).toBe(true)
    expect((await client.take('EVENT', 'live'))[2]).toEqual(nonsense)
    expect(await client.stored({ authors: ['nobody'] })).toEqual([nonsense])
  })

  it('filters only where it is told to', async () => {
    const client = await connectTo('lax-relay', '--filter')
    const events = [1, 2, 3].map((n) => ({ id: String(n), kind: n, created_at: n, tags: [['t', String(n)]] }))
    for (const event of events) await client.publish(event)

    expect(ids(await client.stored({ kinds: [1] }, { '#t': ['3'] }))).toEqual(['1', '3'])
    expect(ids(await client.stored({ since: 2, until: 2 }))).toEqual(['2'])
    expect(await client.stored({ ids: [] })).toEqual([])
  })
})
