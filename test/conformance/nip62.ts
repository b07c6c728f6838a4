import type { Author, Signed } from './author.js'
import type { Client } from './client.js'
import type { Ground } from './ground.js'
import { expect, rule, same, sameSet } from './rule.js'
import type { Rule } from './rule.js'
import { need } from './sync.js'

/** NIP-62: requests to vanish. */

const VANISH = 62

interface Gone {
  readonly client: Client
  readonly author: Author
  readonly events: readonly Signed[]
  readonly at: number
}

const request = (author: Author, created_at: number, relay: string): Signed =>
  author.sign({ kind: VANISH, created_at, tags: [['relay', relay]] })

const life = (author: Author, until: number): Signed[] => [
  author.sign({ created_at: until - 40, tags: [['t', author.pubkey]] }),
  author.sign({ kind: 0, created_at: until - 30 }),
  author.sign({ kind: 30_023, created_at: until - 20, tags: [['d', 'x']] }),
  author.sign({ kind: 5, created_at: until - 10, tags: [['e', author.pubkey]] }),
]

/** Somebody who has written this and that, and vanished. */
const vanished = async (g: Ground, relay = 'ALL_RELAYS'): Promise<Gone> => {
  const [client, author, at] = [await g.connect(), g.author(), g.now() - 60]
  const events = life(author, at)
  await client.store(...events, request(author, at, relay))
  return { client, author, events, at }
}

/** The request itself may be kept. */
const left = async (client: Client, author: Author): Promise<string[]> => {
  const { events } = await client.ask({ authors: [author.pubkey] })
  return events.flatMap(({ id, kind }) => (kind === VANISH ? [] : [id]))
}

/** Nothing is deleted, whether it is taken or not. */
const isNotForUs = (tags: string[][]) => async (g: Ground) => {
  const [client, author, at] = [await g.connect(), g.author(), g.now() - 60]
  const events = life(author, at)
  await client.store(...events)
  await client.publish(author.sign({ kind: VANISH, created_at: at, tags }))
  sameSet(
    await left(client, author),
    events.map(({ id }) => id),
    'what is left',
  )
}

export const RULES: readonly Rule[] = [
  rule('nip62-this-relay', 'a request that names this relay deletes all of its author', async (g) => {
    const { client, author } = await vanished(g, g.url)
    same(await left(client, author), [], 'what is left')
  }),
  rule('nip62-this-relay-slash', 'a slash at the end of the relay that a request names does not matter', async (g) => {
    const { client, author } = await vanished(g, `${g.url.replace(/\/$/, '')}/`)
    same(await left(client, author), [], 'what is left')
  }),
  rule(
    'nip62-all-relays',
    'a request for ALL_RELAYS deletes all of its author, deletion requests included',
    async (g) => {
      const { client, author } = await vanished(g)
      same(await left(client, author), [], 'what is left')
    },
  ),
  rule(
    'nip62-public-url',
    'a request that names the URL by which clients know the relay is for it',
    async (g) => {
      const [client, author] = [await g.connect(), g.author()]
      await client.store(author.sign({ created_at: g.now() - 9 }), request(author, g.now(), g.own().publicUrl))
      same(await left(client, author), [], 'what is left')
    },
    'named',
  ),
  rule('nip62-several-names', 'one of several relay tags is enough', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const tags = [
      ['relay', 'wss://elsewhere.example'],
      ['relay', g.url],
    ]
    await client.store(author.sign({ created_at: g.now() - 9 }), author.sign({ kind: VANISH, tags }))
    same(await left(client, author), [], 'what is left')
  }),
  rule('nip62-by-any-way', 'what vanished is not served by id or tag, not counted and in no sync', async (g) => {
    const { client, author, events } = await vanished(g)
    same(await client.ids({ ids: events.map(({ id }) => id) }), [], 'by their ids')
    same(await client.ids({ '#t': [author.pubkey] }), [], 'by a tag')
    same(await client.count({ authors: [author.pubkey], kinds: [0, 1, 5, 30_023] }), 0, 'the count')
    same(await need(client, { authors: [author.pubkey], kinds: [0, 1, 5, 30_023] }), [], 'in a sync')
  }),
  rule('nip62-rebroadcast', 'what vanished is refused when it comes again', async (g) => {
    const { client, author, events } = await vanished(g)
    for (const event of events) await client.refuses(event)
    same(await left(client, author), [], 'what is left')
  }),
  rule('nip62-late', 'what is older than the request, and comes for the first time, is refused too', async (g) => {
    const { client, author, at } = await vanished(g)
    await client.refuses(author.sign({ created_at: at - 1_000, content: 'late' }))
    await client.refuses(author.sign({ created_at: at, content: 'same second' }))
    same(await left(client, author), [], 'what is left')
  }),
  rule('nip62-later-life', 'what is newer stays, and is taken afterwards', async (g) => {
    const [client, author, at] = [await g.connect(), g.author(), g.now() - 60]
    const [before, after] = [author.sign({ created_at: at + 10 }), author.sign({ created_at: at + 20 })]
    await client.store(before, request(author, at, 'ALL_RELAYS'), after)
    sameSet(await left(client, author), [before.id, after.id], 'what is left')
  }),
  rule('nip62-others-stay', 'nothing of others is deleted, though it names the author', async (g) => {
    const [client, author, other] = [await g.connect(), g.author(), g.author()]
    const event = other.sign({ tags: [['p', author.pubkey]], created_at: g.now() - 9 })
    await client.store(event, request(author, g.now(), 'ALL_RELAYS'))
    same(await left(client, other), [event.id], 'what is left')
  }),
  rule('nip62-wraps', 'gift wraps for the author are deleted too', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const wrap = g.author().sign({ kind: 1059, created_at: g.now() - 60, tags: [['p', author.pubkey]] })
    await client.store(wrap, request(author, g.now(), 'ALL_RELAYS'))
    await client.auth(author)
    same(await client.ids({ ids: [wrap.id] }), [], 'what is left')
    await client.refuses(wrap)
  }),
  rule(
    'nip62-other-relay',
    'a request for another relay deletes nothing here',
    isNotForUs([['relay', 'wss://elsewhere.example/']]),
  ),
  rule('nip62-no-relay', 'a request without a relay tag deletes nothing', isNotForUs([])),
  rule('nip62-all-relays-case', 'all_relays in lowercase names no relay', isNotForUs([['relay', 'all_relays']])),
  rule('nip62-other-tag', 'ALL_RELAYS in another tag does not either', isNotForUs([['r', 'ALL_RELAYS'], ['relay']])),
  rule('nip62-undeletable', 'deleting a request to vanish undoes nothing', async (g) => {
    const [client, author, at] = [await g.connect(), g.author(), g.now() - 60]
    const [event, asked] = [author.sign({ created_at: at - 5 }), request(author, at, 'ALL_RELAYS')]
    await client.store(event, asked)
    await client.publish(
      author.sign({
        kind: 5,
        created_at: at + 5,
        tags: [
          ['e', asked.id],
          ['k', '62'],
        ],
      }),
    )
    await client.refuses(event)
  }),
  rule('nip62-twice', 'an older request to vanish that comes later takes nothing back', async (g) => {
    const [client, author, at] = [await g.connect(), g.author(), g.now() - 60]
    await client.store(request(author, at, 'ALL_RELAYS'))
    await client.publish(request(author, at - 500, 'ALL_RELAYS'))
    await client.refuses(author.sign({ created_at: at - 10 }))
  }),
  rule('nip62-any-order', 'the request and the events in any order of arrival leave the same', async (g) => {
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2],
      [1, 2, 0],
    ]) {
      const [client, author, at] = [await g.connect(), g.author(), g.now() - 60]
      const [before, after] = [author.sign({ created_at: at - 5 }), author.sign({ created_at: at + 5 })]
      const events = [before, request(author, at, 'ALL_RELAYS'), after]
      for (const index of order) await client.publish(events[index] ?? before)
      same(await left(client, author), [after.id], `what the order ${order.join()} leaves`)
    }
  }),
  rule('nip62-forged', 'a request that the author did not sign deletes nothing', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const event = author.sign({ created_at: g.now() - 9 })
    await client.store(event)
    await client.rejects({ ...request(author, g.now(), 'ALL_RELAYS'), sig: g.author().sign().sig })
    expect((await left(client, author)).includes(event.id), 'the event is gone')
  }),
]
