import type { Author, Signed, Template } from './author.js'
import type { Ground } from './ground.js'
import { expect, rule, same } from './rule.js'
import type { Rule } from './rule.js'
import { need } from './sync.js'

/** NIP-40: events that end. */

const expiring = (author: Author, at: number, over: Partial<Template> = {}): Signed =>
  author.sign({ ...over, tags: [...(over.tags ?? []), ['expiration', String(at)]] })

/** Stores what ends in a second or two, and waits until it has. */
const ended = async (g: Ground, over: Partial<Template> = {}): Promise<{ author: Author; event: Signed }> => {
  const [client, author] = [await g.connect(), g.author()]
  const at = g.now() + 2
  const event = expiring(author, at, over)
  await client.store(event)
  await g.clockReaches(at)
  return { author, event }
}

export const RULES: readonly Rule[] = [
  rule('nip40-future', 'an event that ends later is taken and served', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const event = expiring(author, g.now() + 600)
    await client.store(event)
    same(await client.ids({ authors: [author.pubkey] }), [event.id], 'what is served')
  }),
  rule('nip40-already', 'an event that has ended is refused with invalid:', async (g) => {
    const client = await g.connect()
    await client.refuses(expiring(g.author(), g.now() - 60), 'invalid')
  }),
  rule('nip40-already-long', 'an event that ended long ago is refused with invalid:', async (g) => {
    const client = await g.connect()
    await client.refuses(expiring(g.author(), 1), 'invalid')
  }),
  rule('nip40-already-not-live', 'an event that has ended reaches nobody', async (g) => {
    const [client, listener, author] = [await g.connect(), await g.connect(), g.author()]
    const live = await listener.subscribe({ authors: [author.pubkey] })
    const last = author.sign()
    await client.publish(expiring(author, g.now() - 60))
    await client.store(last)
    await live.hears(last.id)
    same(live.ids(), [last.id], 'what was heard')
  }),
  rule('nip40-at-read', 'an event that has ended since is not served, from that very second on', async (g) => {
    const { author } = await ended(g)
    const client = await g.connect()
    same(await client.ids({ authors: [author.pubkey] }), [], 'what is served')
  }),
  rule('nip40-at-read-by-id', 'an event that has ended since is not served by its id', async (g) => {
    const { event } = await ended(g)
    const client = await g.connect()
    same(await client.ids({ ids: [event.id] }), [], 'what is served')
  }),
  rule('nip40-at-read-by-tag', 'an event that has ended since is not served by a tag', async (g) => {
    const topic = g.author().pubkey
    await ended(g, { tags: [['t', topic]] })
    const client = await g.connect()
    same(await client.ids({ '#t': [topic] }), [], 'what is served')
  }),
  rule('nip40-limit', 'what has ended does not use up a limit', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const kept = author.sign({ created_at: g.now() - 60 })
    const at = g.now() + 2
    await client.store(kept, ...['a', 'b', 'c'].map((content) => expiring(author, at, { content })))
    await g.clockReaches(at)
    same(await client.ids({ authors: [author.pubkey], limit: 1 }), [kept.id], 'what is served')
  }),
  rule('nip45-expired', 'COUNT leaves out what has ended', async (g) => {
    const { author } = await ended(g)
    const client = await g.connect()
    same(await client.count({ authors: [author.pubkey] }), 0, 'the count')
  }),
  rule('nip77-expired', 'a sync leaves out what has ended, or it never converges', async (g) => {
    const { author } = await ended(g)
    const client = await g.connect()
    same(await need(client, { authors: [author.pubkey] }), [], 'what the relay says it has')
  }),
  rule('nip40-not-resurrected', 'a version that has ended brings back none that it replaced', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const at = g.now() + 2
    await client.store(author.sign({ kind: 10_002, created_at: g.now() - 60 }), expiring(author, at, { kind: 10_002 }))
    await g.clockReaches(at)
    same(await client.ids({ authors: [author.pubkey] }), [], 'what is served')
  }),
  rule(
    'nip40-any-order',
    'a version that has ended leaves the same, whichever of two versions came first',
    async (g) => {
      const [client, author] = [await g.connect(), g.author()]
      const at = g.now() + 2
      await client.store(expiring(author, at, { kind: 10_002 }))
      await client.publish(author.sign({ kind: 10_002, created_at: g.now() - 60 }))
      await g.clockReaches(at)
      same(await client.ids({ authors: [author.pubkey] }), [], 'what is served')
    },
  ),
  rule('nip40-no-time', 'a tag that names no time ends nothing', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    for (const value of ['soon', '', '-1', '1.5']) {
      const event = author.sign({ content: value, tags: [['expiration', value]] })
      const { accepted } = await client.publish(event)
      if (accepted) expect((await client.ids({ ids: [event.id] })).length === 1, `accepted, and not served: ${value}`)
    }
  }),
  rule('nip40-other-tags', 'a time in another tag ends nothing', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const event = author.sign({
      tags: [
        ['expires', '1'],
        ['x', 'expiration', '1'],
      ],
    })
    await client.store(event)
    same(await client.ids({ ids: [event.id] }), [event.id], 'what is served')
  }),
]
