import type { Ground } from './ground.js'
import { expect, rule, same, shown } from './rule.js'
import type { Rule } from './rule.js'

/** NIP-45: how many. */

const isClosed =
  (...filters: unknown[]) =>
  async (g: Ground): Promise<void> => {
    const frame = await (await g.connect()).askCount(...filters)
    expect(frame[0] === 'CLOSED', `answered ${shown(JSON.stringify(frame))}`)
    expect(/^[a-z-]+: \S/.test(String(frame[2])), `the reason has no prefix: ${shown(String(frame[2]))}`)
  }

export const RULES: readonly Rule[] = [
  rule('nip45-form', 'COUNT gets COUNT with its id and {"count": a whole number}', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    await client.store(author.sign())
    const frame = await client.askCount({ authors: [author.pubkey] })
    same([frame.length, frame[0]], [3, 'COUNT'], 'the answer')
    same((frame[2] as { count: unknown }).count, 1, 'the count')
  }),
  rule('nip45-none', 'nothing is counted as 0', async (g) => {
    same(await (await g.connect()).count({ authors: [g.author().pubkey] }), 0, 'the count')
  }),
  rule('nip45-filter', 'every condition of a filter counts', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const [now, authors] = [g.now(), [author.pubkey]]
    const event = author.sign({ created_at: now - 10, tags: [['t', 'x']] })
    await client.store(event, author.sign({ kind: 7, created_at: now - 5 }))
    const filters = [{ kinds: [7] }, { '#t': ['x'] }, { since: now - 7 }, { until: now - 10 }, { ids: [event.id] }]
    for (const filter of filters) same(await client.count({ authors, ...filter }), 1, `of ${JSON.stringify(filter)}`)
    same(await client.count({ authors }), 2, 'of the author')
  }),
  rule('nip45-or', 'several filters are one count, and what two of them match counts once', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const authors = [author.pubkey]
    await client.store(author.sign({ kind: 1 }), author.sign({ kind: 7 }), author.sign({ kind: 4 }))
    same(await client.count({ authors, kinds: [1] }, { authors, kinds: [7] }), 2, 'of two')
    same(await client.count({ authors, kinds: [1, 7] }, { authors, kinds: [7, 4] }), 3, 'of two that overlap')
  }),
  rule('nip45-many', 'a count is not cut off where an answer would be', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const events = Array.from({ length: 120 }, (_, i) => author.sign({ content: String(i) }))
    for (const event of events) client.send('EVENT', event)
    await client.until('OKs', () =>
      client.heard.filter((f) => f[0] === 'OK').length >= events.length ? true : undefined,
    )
    same(await client.count({ authors: [author.pubkey], kinds: [1] }), events.length, 'the count')
  }),
  rule('nip45-replaced', 'of versions the current one is counted', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    for (const ago of [3, 2, 1]) await client.store(author.sign({ kind: 10_002, created_at: g.now() - ago }))
    same(await client.count({ authors: [author.pubkey] }), 1, 'the count')
  }),
  rule('nip45-deleted', 'what is deleted is not counted', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const event = author.sign()
    await client.store(event, author.sign({ kind: 5, tags: [['e', event.id]] }))
    same(await client.count({ authors: [author.pubkey], kinds: [1] }), 0, 'the count')
  }),
  rule('nip45-ephemeral', 'what is not stored is not counted', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    await client.subscribe({ authors: [author.pubkey] })
    await client.store(author.sign({ kind: 20_001 }))
    same(await client.count({ authors: [author.pubkey] }), 0, 'the count')
  }),
  ...(['ids', 'authors', 'kinds', '#t', '#p'] as const).map((name) =>
    rule(`nip45-empty-${name.replace('#', 'tag-')}`, `an empty ${name} counts nothing`, async (g) => {
      const [client, author] = [await g.connect(), g.author()]
      await client.store(author.sign({ tags: [['t', 'x']] }))
      const frame = await client.askCount({ authors: [author.pubkey], [name]: [] })
      same(frame[0] === 'COUNT' ? (frame[2] as { count: number }).count : 0, 0, 'the count')
    }),
  ),
  rule('nip45-refused', 'a COUNT with a filter that is none gets CLOSED with a prefix', isClosed({ kinds: 'all' })),
  rule('nip45-refused-no-filter', 'a COUNT without a filter gets CLOSED with a prefix', isClosed()),
  rule('nip45-no-subscription', 'a COUNT opens no subscription', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    same(await client.count({ authors: [author.pubkey] }), 0, 'the count')
    const event = author.sign()
    await client.store(event)
    await client.fence()
    expect(!client.heard.some((f) => f[0] === 'EVENT'), 'an event came')
  }),
  rule('nip45-beside-req', 'a COUNT ends no REQ of the same id', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const live = await client.subscribe({ authors: [author.pubkey] })
    client.send('COUNT', live.id, { authors: [author.pubkey] })
    await client.wait('COUNT', (f) => f[0] === 'COUNT' && f[1] === live.id)
    const event = author.sign()
    await client.store(event)
    await live.hears(event.id)
  }),
]
