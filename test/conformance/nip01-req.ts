import type { Author, Signed } from './author.js'
import { NO_ID } from './client.js'
import type { Ground } from './ground.js'
import { advice, expect, rule, same, sameSet, shown } from './rule.js'
import type { Rule } from './rule.js'

/** NIP-01: subscriptions, their stored and their live part. */

const T = 1_700_000_000

/** Seconds apart, newest first. */
const series = (author: Author, length: number): Signed[] =>
  Array.from({ length }, (_, i) => author.sign({ created_at: T - 10 * i, content: String(i) }))

const shuffled = <X>(items: readonly X[]): X[] =>
  items.map((_, i) => items[(i * 7 + 3) % items.length] ?? items[0]) as X[]
const ids = (events: readonly Signed[]): string[] => events.map(({ id }) => id)

const worksAsId = (id: string) => async (g: Ground) => {
  const [client, author] = [await g.connect(), g.author()]
  const event = author.sign()
  await client.store(event)
  client.send('REQ', id, { ids: [event.id] })
  await client.wait('EOSE', (f) => f[0] === 'EOSE' && f[1] === id)
  expect(
    client.heard.some((f) => f[0] === 'EVENT' && f[1] === id),
    'the event did not come under this id',
  )
}

const isNoId = (id: unknown) => async (g: Ground) => {
  const client = await g.connect()
  const event = g.author().sign()
  await client.store(event)
  client.send('REQ', id, { ids: [event.id] })
  await client.wait('CLOSED or NOTICE', (f) => f[0] === 'CLOSED' || f[0] === 'NOTICE')
  await client.fence()
  expect(!client.heard.some((f) => f[0] === 'EVENT'), 'it was taken for a subscription')
}

export const RULES: readonly Rule[] = [
  rule('nip01-subid-1', 'a subscription id of one character works', worksAsId('x')),
  rule('nip01-subid-64', 'a subscription id of 64 characters works', worksAsId('x'.repeat(64))),
  rule(
    'nip01-subid-any-text',
    'quotes, backslashes and letters beyond ASCII in a subscription id come back as they are',
    worksAsId('a"b\\c\n/é\u{1f600}'),
  ),
  rule('nip01-subid-65', 'a subscription id of 65 characters is refused', isNoId('x'.repeat(65))),
  rule('nip01-subid-empty', 'an empty subscription id is refused', isNoId('')),
  rule('nip01-subid-number', 'a subscription id that is no string is refused', isNoId(5)),
  rule('nip01-subid-of-connection', 'the same id on two connections is two subscriptions', async (g) => {
    const [one, two, writer] = [await g.connect(), await g.connect(), await g.connect()]
    const [alice, bob] = [g.author(), g.author()]
    one.send('REQ', 'same', { authors: [alice.pubkey] })
    two.send('REQ', 'same', { authors: [bob.pubkey] })
    for (const client of [one, two]) await client.wait('EOSE', (f) => f[0] === 'EOSE')
    const [ofAlice, ofBob] = [alice.sign(), bob.sign()]
    await writer.store(ofAlice, ofBob)
    await one.wait('live event', (f) => f[0] === 'EVENT')
    await two.wait('live event', (f) => f[0] === 'EVENT')
    one.send('CLOSE', 'same')
    await one.fence()
    const later = bob.sign({ content: 'later' })
    await writer.store(later)
    await two.until('live event', () => (two.saw(later.id) ? true : undefined))
    expect(!one.saw(ofBob.id) && !two.saw(ofAlice.id), 'an event went to the wrong connection')
  }),
  rule('nip01-subid-again', 'the same id again replaces the old subscription', async (g) => {
    const [client, writer, alice, bob] = [await g.connect(), await g.connect(), g.author(), g.author()]
    const eoses = (): number => client.heard.filter((f) => f[0] === 'EOSE' && f[1] === 'same').length
    client.send('REQ', 'same', { authors: [alice.pubkey] })
    await client.until('EOSE', () => (eoses() === 1 ? true : undefined))
    client.send('REQ', 'same', { authors: [bob.pubkey] })
    await client.until('second EOSE', () => (eoses() === 2 ? true : undefined))
    const [old, current] = [alice.sign(), bob.sign()]
    await writer.store(old, current)
    await client.until('live event', () => (client.saw(current.id) ? true : undefined))
    expect(!client.saw(old.id), 'the old subscription goes on')
  }),
  rule('nip01-close', 'after CLOSE nothing more comes', async (g) => {
    const [client, writer, author] = [await g.connect(), await g.connect(), g.author()]
    const live = await client.subscribe({ authors: [author.pubkey] })
    const first = author.sign({ content: 'first' })
    await writer.store(first)
    await live.hears(first.id)
    client.send('CLOSE', live.id)
    await client.fence()
    const [unheard, last] = [author.sign({ content: 'unheard' }), author.sign({ content: 'last' })]
    const other = await client.subscribe({ ids: [last.id] })
    await writer.store(unheard, last)
    await other.hears(last.id)
    same(live.ids(), [first.id], 'what was heard')
  }),
  rule('nip01-close-unknown', 'CLOSE of what is not open ends nothing', async (g) => {
    const client = await g.connect()
    client.send('CLOSE', 'never')
    await client.fence()
  }),
  rule('nip01-close-others-stay', 'CLOSE ends that one subscription', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const [one, two] = [
      await client.subscribe({ authors: [author.pubkey] }),
      await client.subscribe({ authors: [author.pubkey] }),
    ]
    client.send('CLOSE', one.id)
    const event = author.sign()
    await client.store(event)
    await two.hears(event.id)
  }),
  rule('nip01-refused-ends-old', 'a refused REQ leaves no older subscription under its id', async (g) => {
    const [client, writer, author] = [await g.connect(), await g.connect(), g.author()]
    const live = await client.subscribe({ authors: [author.pubkey] })
    client.send('REQ', live.id, { authors: 'nobody' })
    await client.wait('CLOSED', (f) => f[0] === 'CLOSED' && f[1] === live.id)
    const [event, last] = [author.sign(), author.sign({ content: 'last' })]
    const other = await client.subscribe({ ids: [last.id] })
    await writer.store(event, last)
    await other.hears(last.id)
    same(live.ids(), [], 'what was heard')
  }),

  rule('nip01-eose-nothing', 'EOSE comes also where nothing is stored', async (g) => {
    const client = await g.connect()
    same(await client.ids({ authors: [g.author().pubkey] }), [], 'what is served')
  }),
  rule('nip01-eose-form', 'EOSE names its subscription', async (g) => {
    const client = await g.connect()
    client.send('REQ', 'mine', { ids: [NO_ID] })
    const frame = await client.wait('EOSE', (f) => f[0] === 'EOSE')
    same(frame[1], 'mine', 'the subscription')
  }),
  rule('nip01-eose-once', 'one EOSE, after the stored events and before the live ones', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const [stored, later] = [series(author, 3), author.sign({ content: 'live' })]
    await client.store(...stored)
    const live = await client.subscribe({ authors: [author.pubkey] })
    await client.store(later)
    await live.hears(later.id)
    await client.fence()
    const verbs = client.heard.filter((f) => f[1] === live.id).map((f) => f[0])
    same(verbs, ['EVENT', 'EVENT', 'EVENT', 'EOSE', 'EVENT'], 'what came')
  }),
  rule(
    'nip01-no-gap',
    'between stored and live nothing is lost and nothing doubled, while events pour in',
    async (g) => {
      const [client, writer, author] = [await g.connect(), await g.connect(), g.author()]
      const events = Array.from({ length: 60 }, (_, i) => author.sign({ content: String(i) }))
      const oks = (): number => writer.heard.filter((f) => f[0] === 'OK' && f[2] === true).length
      const [first, rest] = [events.slice(0, 30), events.slice(30)]
      for (const event of first) writer.send('EVENT', event)
      await writer.until('OKs', () => (oks() >= 10 ? true : undefined))
      client.send('REQ', 'all', { authors: [author.pubkey], limit: 500 })
      for (const event of rest) writer.send('EVENT', event)
      const came = (): string[] => client.heard.flatMap((f) => (f[0] === 'EVENT' ? [(f[2] as Signed).id] : []))
      await client.until('all events', () => (new Set(came()).size >= events.length ? true : undefined))
      await client.fence()
      sameSet(came(), ids(events), 'what came')
    },
  ),
  rule('nip01-live-own', 'who publishes hears the own event too, where it is subscribed', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const live = await client.subscribe({ authors: [author.pubkey] })
    const event = author.sign()
    await client.store(event)
    await live.hears(event.id)
  }),
  rule('nip01-live-old-events', 'live is what arrives now, however old its created_at', async (g) => {
    const [client, listener, author] = [await g.connect(), await g.connect(), g.author()]
    const live = await listener.subscribe({ authors: [author.pubkey] })
    const event = author.sign({ created_at: T })
    await client.store(event)
    await live.hears(event.id)
  }),
  rule('nip01-live-not-again', 'an event that comes a second time is not sent again', async (g) => {
    const [client, listener, author] = [await g.connect(), await g.connect(), g.author()]
    const live = await listener.subscribe({ authors: [author.pubkey] })
    const [event, last] = [author.sign(), author.sign({ content: 'last' })]
    await client.store(event)
    await client.publish(event)
    await client.store(last)
    await live.hears(last.id)
    same(live.ids(), [event.id, last.id], 'what was heard')
  }),
  rule('nip01-live-not-refused', 'a refused event reaches nobody', async (g) => {
    const [client, listener, author] = [await g.connect(), await g.connect(), g.author()]
    const live = await listener.subscribe({ authors: [author.pubkey] })
    const [event, last] = [author.sign(), author.sign({ content: 'last' })]
    await client.rejects({ ...event, content: 'changed' })
    await client.store(last)
    await live.hears(last.id)
    same(live.ids(), [last.id], 'what was heard')
  }),
  rule('nip01-many-subscriptions', 'twenty subscriptions of one connection all hear', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const lives = []
    for (let n = 0; n < 20; n++) lives.push(await client.subscribe({ authors: [author.pubkey], kinds: [1] }))
    const event = author.sign()
    await client.store(event)
    for (const live of lives) await live.hears(event.id)
    await client.fence()
    for (const live of lives) same(live.ids(), [event.id], 'what one of them heard')
  }),

  rule('nip01-limit-newest', 'limit asks for the newest, and they come newest first', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const events = series(author, 10)
    await client.store(...shuffled(events))
    same(await client.ids({ authors: [author.pubkey], limit: 4 }), ids(events.slice(0, 4)), 'what is served')
  }),
  rule('nip01-order', 'without a limit events come newest first too', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const events = series(author, 10)
    await client.store(...shuffled(events))
    same(await client.ids({ authors: [author.pubkey] }), ids(events), 'what is served')
  }),
  rule('nip01-order-ties', 'of the same second the lowest id comes first', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const events = Array.from({ length: 8 }, (_, i) => author.sign({ created_at: T, content: String(i) }))
    await client.store(...events)
    same(await client.ids({ authors: [author.pubkey], limit: 8 }), ids(events).sort(), 'what is served')
  }),
  rule('nip01-order-authors', 'newest first also over several authors and kinds', async (g) => {
    const [client, alice, bob] = [await g.connect(), g.author(), g.author()]
    const events = Array.from({ length: 8 }, (_, i) =>
      (i % 2 === 0 ? alice : bob).sign({ created_at: T - i, kind: i % 3 === 0 ? 1 : 7 }),
    )
    await client.store(...shuffled(events))
    const found = await client.ids({ authors: [alice.pubkey, bob.pubkey], kinds: [1, 7], limit: 5 })
    same(found, ids(events.slice(0, 5)), 'what is served')
  }),
  advice('nip01-order-filters', 'newest first also over several filters', async (g) => {
    const [client, alice, bob] = [await g.connect(), g.author(), g.author()]
    const events = Array.from({ length: 6 }, (_, i) => (i % 2 === 0 ? alice : bob).sign({ created_at: T - i }))
    await client.store(...events)
    same(await client.ids({ authors: [alice.pubkey] }, { authors: [bob.pubkey] }), ids(events), 'what is served')
  }),
  rule('nip01-limit-of-filter', 'each filter has its own limit', async (g) => {
    const [client, alice, bob] = [await g.connect(), g.author(), g.author()]
    const [ofAlice, ofBob] = [series(alice, 4), series(bob, 4)]
    await client.store(...ofAlice, ...ofBob)
    const found = await client.ids({ authors: [alice.pubkey], limit: 1 }, { authors: [bob.pubkey], limit: 2 })
    sameSet(found, [...ids(ofAlice.slice(0, 1)), ...ids(ofBob.slice(0, 2))], 'what is served')
  }),
  rule('nip01-limit-huge', 'a limit beyond what the relay gives is cut down, not refused', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const event = author.sign()
    await client.store(event)
    same(await client.ids({ authors: [author.pubkey], limit: 1_000_000 }), [event.id], 'what is served')
  }),
  rule('nip01-limit-not-live', 'limit says nothing of live events', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const [old, ...later] = [
      author.sign({ created_at: T }),
      ...['a', 'b', 'c'].map((content) => author.sign({ content })),
    ]
    await client.store(old)
    const live = await client.subscribe({ authors: [author.pubkey], limit: 1 })
    await client.store(...later)
    await live.hears(later.at(-1)?.id ?? '')
    same(live.ids(), ids([old, ...later]), 'what was heard')
  }),
  rule('nip01-limit-zero', 'limit 0: nothing stored, EOSE, then live', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const [old, later] = [author.sign({ created_at: T }), author.sign()]
    await client.store(old)
    const live = await client.subscribe({ authors: [author.pubkey], limit: 0 })
    await client.store(later)
    await live.hears(later.id)
    same(live.ids(), [later.id], 'what was heard')
  }),
  rule('nip01-limit-zero-beside', 'limit 0 in one filter takes nothing from another', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const event = author.sign()
    await client.store(event)
    same(await client.ids({ authors: [author.pubkey], limit: 0 }, { ids: [event.id] }), [event.id], 'what is served')
  }),
  rule('nip01-any-order', 'versions in any order of arrival leave the same', async (g) => {
    const client = await g.connect()
    const orders = [
      [0, 1, 2],
      [2, 1, 0],
      [1, 2, 0],
      [1, 0, 2],
    ]
    for (const order of orders) {
      const author = g.author()
      const events = [9, 6, 3].flatMap((sec) => [
        author.sign({ kind: 10_002, created_at: T - sec, content: `r${sec}` }),
        author.sign({ kind: 30_023, created_at: T - sec, content: `a${sec}`, tags: [['d', 'x']] }),
      ])
      for (const at of order) for (const event of events.slice(2 * at, 2 * at + 2)) await client.publish(event)
      const { events: left } = await client.ask({ authors: [author.pubkey] })
      sameSet(
        left.map(({ content }) => content),
        ['r3', 'a3'],
        `left of the order ${shown(order.join())}`,
      )
    }
  }),
]
