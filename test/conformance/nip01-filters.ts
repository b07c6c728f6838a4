import type { Author, Signed, Template } from './author.js'
import { freshHex } from './author.js'
import type { Ground } from './ground.js'
import { advice, expect, rule, same, sameSet, shown } from './rule.js'
import type { Rule } from './rule.js'

/** NIP-01: which events a filter asks for, stored and live alike. */

const LETTERS = Array.from('abcdefghijklmnopqrstuvwxyz')
const EMPTY_LISTS = ['ids', 'authors', 'kinds', '#t', '#e', '#p'] as const

const ids = (events: readonly Signed[]): string[] => events.map(({ id }) => id)

interface Case {
  /** The first of these matches, the others do not. */
  readonly events: readonly Partial<Template>[]
  readonly filter: (author: Author, events: readonly Signed[]) => object
}

const asked = async (g: Ground, { events, filter }: Case): Promise<{ made: Signed[]; wanted: object }> => {
  const author = g.author()
  const made = events.map((event, i) => author.sign({ content: String(i), ...event }))
  return Promise.resolve({ made, wanted: filter(author, made) })
}

const stored = (one: Case) => async (g: Ground) => {
  const client = await g.connect()
  const { made, wanted } = await asked(g, one)
  await client.store(...made)
  same(await client.ids(wanted), ids(made.slice(0, 1)), 'stored events that match')
}

const live = (one: Case) => async (g: Ground) => {
  const [client, listener, author] = [await g.connect(), await g.connect(), g.author()]
  const { made, wanted } = await asked(g, one)
  const last = author.sign()
  const heard = await listener.subscribe(wanted, { ids: [last.id] })
  await client.store(...made, last)
  await heard.hears(last.id)
  same(heard.ids(), [...ids(made.slice(0, 1)), last.id], 'live events that match')
}

const both = (name: string, words: string, one: Case): Rule[] => [
  rule(`nip01-filter-${name}`, words, stored(one)),
  rule(`nip01-live-${name}`, `${words}, live`, live(one)),
]

const T = 1_700_000_000
const tag = (name: string, value: string): Partial<Template> => ({ tags: [[name, value]] })
const own = freshHex().slice(0, 16)

/** A filter that must not be taken for one: refused, or else nothing comes of it. */
const findsNothing =
  (make: (event: Signed) => object) =>
  async (g: Ground): Promise<void> => {
    const client = await g.connect()
    const author = g.author()
    const [id, key] = [freshHex(), freshHex()]
    const event = author.sign({
      tags: [
        ['e', id],
        ['p', key],
      ],
    })
    await client.store(event)
    const filter = make(event)
    const name = client.freshId()
    client.send('REQ', name, filter)
    await client.wait('EOSE, CLOSED or NOTICE', (f) => f[0] === 'NOTICE' || (f[1] === name && f[0] !== 'EVENT'))
    expect(!client.saw(event.id) || client.heard.every((f) => f[0] !== 'EVENT'), 'it found the event')
  }

const isClosed =
  (...filters: unknown[]) =>
  async (g: Ground): Promise<void> => {
    const client = await g.connect()
    const name = client.freshId()
    client.send('REQ', name, ...filters)
    await client.wait('answer', (f) => f[0] === 'NOTICE' || f[1] === name)
    await client.fence()
    const closed = client.heard.find((f) => f[0] === 'CLOSED' && f[1] === name)
    expect(closed !== undefined, `heard ${shown(JSON.stringify(client.heard.filter((f) => f[0] !== 'AUTH')))}`)
    expect(/^[a-z-]+: \S/.test(String(closed[2])), `the reason has no prefix: ${shown(String(closed[2]))}`)
  }

const indexes = (letters: readonly string[]) => async (g: Ground) => {
  const client = await g.connect()
  const values = letters.map((letter) => [letter, freshHex()])
  const event = g.author().sign({ tags: values })
  await client.store(event)
  for (const [letter, value] of values) {
    same(await client.ids({ [`#${letter ?? ''}`]: [value] }), [event.id], `what #${letter ?? ''} finds`)
  }
}

export const RULES: readonly Rule[] = [
  ...both('ids', 'ids asks for these events', {
    events: [{}, {}],
    filter: (_, [first]) => ({ ids: [first?.id, freshHex()] }),
  }),
  ...both('kinds', 'kinds asks for these kinds', {
    events: [{ kind: 1 }, { kind: 7 }, { kind: 1_111 }],
    filter: (author) => ({ authors: [author.pubkey], kinds: [1, 2] }),
  }),
  ...both('tag', 'a tag filter holds', {
    events: [tag('t', own), tag('t', `${own}x`), tag('r', own), {}],
    filter: (author) => ({ authors: [author.pubkey], '#t': [own, 'other'] }),
  }),
  ...both('two-tags', 'two tag filters must both hold', {
    events: [
      {
        tags: [
          ['t', own],
          ['r', own],
        ],
      },
      tag('t', own),
      tag('r', own),
    ],
    filter: (author) => ({ authors: [author.pubkey], '#t': [own], '#r': [own] }),
  }),
  ...both('since', 'since is included', {
    events: [{ created_at: T }, { created_at: T - 1 }],
    filter: (author) => ({ authors: [author.pubkey], since: T }),
  }),
  ...both('until', 'until is included', {
    events: [{ created_at: T }, { created_at: T + 1 }],
    filter: (author) => ({ authors: [author.pubkey], until: T }),
  }),
  ...both('since-until', 'since and until may be the same second', {
    events: [{ created_at: T }, { created_at: T - 1 }, { created_at: T + 1 }],
    filter: (author) => ({ authors: [author.pubkey], since: T, until: T }),
  }),
  ...both('and', 'all conditions of a filter must hold', {
    events: [
      { kind: 7, created_at: T, ...tag('t', own) },
      { kind: 1, created_at: T, ...tag('t', own) },
      { kind: 7, created_at: T + 9, ...tag('t', own) },
      { kind: 7, created_at: T },
    ],
    filter: (author) => ({ authors: [author.pubkey], kinds: [7], until: T, '#t': [own] }),
  }),
  rule('nip01-filter-authors', 'authors asks for the events of these authors', async (g) => {
    const [client, author, other] = [await g.connect(), g.author(), g.author()]
    const event = author.sign()
    await client.store(event, other.sign())
    same(await client.ids({ authors: [author.pubkey, freshHex()] }), [event.id], 'what is served')
  }),
  rule('nip01-live-authors', 'authors asks for the events of these authors, live', async (g) => {
    const [client, author, other] = [await g.connect(), g.author(), g.author()]
    const heard = await client.subscribe({ authors: [author.pubkey] })
    const event = author.sign()
    await client.store(other.sign(), event)
    await heard.hears(event.id)
    same(heard.ids(), [event.id], 'what was heard')
  }),
  rule('nip01-filter-or', 'of several filters one must match', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const [one, two, three] = [author.sign({ kind: 1 }), author.sign({ kind: 7 }), author.sign({ kind: 4 })]
    await client.store(one, two, three)
    const authors = [author.pubkey]
    sameSet(await client.ids({ authors, kinds: [1] }, { authors, kinds: [4] }), [one.id, three.id], 'what is served')
  }),
  rule('nip01-once-stored', 'a stored event that two filters match comes once', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const event = author.sign()
    await client.store(event)
    const found = await client.ids(
      { ids: [event.id] },
      { authors: [author.pubkey] },
      { authors: [author.pubkey], kinds: [1] },
    )
    same(found, [event.id], 'what is served')
  }),
  rule('nip01-once-live', 'a live event that two filters match comes once', async (g) => {
    const [client, listener, author] = [await g.connect(), await g.connect(), g.author()]
    const heard = await listener.subscribe({ authors: [author.pubkey] }, { kinds: [1], authors: [author.pubkey] })
    const [event, last] = [author.sign(), author.sign({ content: 'last' })]
    await client.store(event, last)
    await heard.hears(last.id)
    same(heard.ids(), [event.id, last.id], 'what was heard')
  }),
  rule('nip01-once-repeated-values', 'values that stand twice in a list bring an event once', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const event = author.sign({
      tags: [
        ['t', own],
        ['t', own],
      ],
    })
    await client.store(event)
    const twice = { authors: [author.pubkey, author.pubkey], kinds: [1, 1], '#t': [own, own] }
    same(await client.ids(twice), [event.id], 'what is served')
  }),

  rule('nip01-tags-lowercase', 'tags a to z are indexed', indexes(LETTERS)),
  rule('nip01-tags-uppercase', 'tags A to Z are indexed', indexes(LETTERS.map((letter) => letter.toUpperCase()))),
  rule('nip01-tag-case', '#e does not find E, nor #E e', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const value = freshHex()
    const [small, large] = [author.sign(tag('e', value)), author.sign(tag('E', value))]
    await client.store(small, large)
    same(await client.ids({ '#e': [value] }), [small.id], 'what #e finds')
    same(await client.ids({ '#E': [value] }), [large.id], 'what #E finds')
  }),
  rule('nip01-tag-first-value', 'only the first value of a tag is indexed', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    await client.store(author.sign({ tags: [['t', 'first', own]] }))
    same(await client.ids({ authors: [author.pubkey], '#t': [own] }), [], 'what the second value finds')
  }),
  rule('nip01-tag-every-tag', 'of several tags of a name every one is indexed', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const event = author.sign({
      tags: [
        ['t', 'one'],
        ['t', own],
        ['t', 'three'],
      ],
    })
    await client.store(event)
    for (const value of ['one', own, 'three']) {
      same(await client.ids({ authors: [author.pubkey], '#t': [value] }), [event.id], `what ${value} finds`)
    }
  }),
  rule('nip01-tag-exact', 'a tag value is compared whole: case, length and all', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const event = author.sign(tag('t', 'Nostr'))
    await client.store(event)
    for (const value of ['nostr', 'Nost', 'Nostr ', '%', 'N____']) {
      same(await client.ids({ authors: [author.pubkey], '#t': [value] }), [], `what ${value} finds`)
    }
  }),
  rule('nip01-tag-long', 'a tag value of 300 characters is found, and no other like it', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const [long, longer] = ['v'.repeat(300), `${'v'.repeat(299)}w`]
    const event = author.sign(tag('r', long))
    await client.store(event)
    same(await client.ids({ authors: [author.pubkey], '#r': [long] }), [event.id], 'what it finds')
    same(await client.ids({ authors: [author.pubkey], '#r': [longer] }), [], 'what another one finds')
  }),

  ...EMPTY_LISTS.flatMap((name) => [
    rule(`nip01-empty-${name.replace('#', 'tag-')}`, `an empty ${name} matches nothing that is stored`, async (g) => {
      const [client, author] = [await g.connect(), g.author()]
      await client.store(
        author.sign({
          tags: [
            ['t', own],
            ['e', freshHex()],
            ['p', freshHex()],
          ],
        }),
      )
      const { events } = await client.ask({ authors: [author.pubkey], [name]: [] })
      same(ids(events), [], 'what is served')
    }),
    rule(`nip01-empty-${name.replace('#', 'tag-')}-live`, `an empty ${name} matches nothing live`, async (g) => {
      const [client, author, other] = [await g.connect(), g.author(), g.author()]
      // A relay may as well refuse it: nothing comes then either.
      const id = client.freshId()
      client.send('REQ', id, { authors: [author.pubkey], [name]: [] })
      await client.wait('EOSE, CLOSED or NOTICE', (f) => f[0] === 'NOTICE' || (f[1] === id && f[0] !== 'EVENT'))
      const last = other.sign()
      const heard = await client.subscribe({ ids: [last.id] })
      const event = author.sign({
        tags: [
          ['t', own],
          ['e', freshHex()],
          ['p', freshHex()],
        ],
      })
      await client.store(event, last)
      await heard.hears(last.id)
      expect(!client.heard.some((f) => f[0] === 'EVENT' && f[1] === id), 'an event came')
    }),
  ]),

  rule(
    'nip01-ids-prefix',
    'the start of an id is no id',
    findsNothing(({ id }) => ({ ids: [id.slice(0, 32)] })),
  ),
  rule(
    'nip01-ids-uppercase',
    'an id in uppercase is no id',
    findsNothing(({ id }) => ({ ids: [`A${id.slice(1).toUpperCase()}`, id.toUpperCase()] })),
  ),
  rule(
    'nip01-authors-prefix',
    'the start of a key is no key',
    findsNothing(({ pubkey }) => ({ authors: [pubkey.slice(0, 32)] })),
  ),
  rule(
    'nip01-authors-uppercase',
    'a key in uppercase is no key',
    findsNothing(({ pubkey }) => ({ authors: [`A${pubkey.slice(1).toUpperCase()}`, pubkey.toUpperCase()] })),
  ),
  rule(
    'nip01-e-prefix',
    'the start of an id is nothing to #e',
    findsNothing(({ tags }) => ({ '#e': [tags[0]?.[1]?.slice(0, 32)] })),
  ),
  rule(
    'nip01-p-prefix',
    'the start of a key is nothing to #p',
    findsNothing(({ tags }) => ({ '#p': [tags[1]?.[1]?.slice(0, 32)] })),
  ),

  rule(
    'nip01-refused-closed',
    'a filter that is none gets CLOSED with a prefix, not NOTICE',
    isClosed({ kinds: 'all' }),
  ),
  rule('nip01-refused-no-object', 'a filter that is no object gets CLOSED with a prefix', isClosed(5)),
  rule(
    'nip01-refused-second',
    'a REQ of which only the second filter is wrong gets CLOSED with a prefix',
    isClosed({ kinds: [1], limit: 1 }, { authors: 7 }),
  ),
  rule('nip01-refused-ids', 'ids that are no 64 lowercase hex get CLOSED with a prefix', isClosed({ ids: ['abc'] })),
  rule(
    'nip01-refused-authors',
    'authors that are no 64 lowercase hex get CLOSED with a prefix',
    isClosed({ authors: ['abc'] }),
  ),
  rule('nip01-refused-kinds', 'kinds that are no numbers get CLOSED with a prefix', isClosed({ kinds: ['1'] })),
  rule('nip01-refused-since', 'a since that is no number gets CLOSED with a prefix', isClosed({ since: 'yesterday' })),
  rule('nip01-refused-limit', 'a negative limit gets CLOSED with a prefix', isClosed({ kinds: [1], limit: -1 })),
  rule('nip01-refused-no-filter', 'a REQ without a filter gets CLOSED with a prefix', isClosed()),
  advice(
    'nip01-refused-unknown',
    'a filter with members that nobody knows is refused, not widened',
    isClosed({ kinds: [1], limit: 1, colour: ['red'] }),
  ),
]
