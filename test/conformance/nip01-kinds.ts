import type { Author, Signed, Template } from './author.js'
import type { Ground } from './ground.js'
import { advice, expect, rule, same, sameSet } from './rule.js'
import type { Rule } from './rule.js'

/** NIP-01: what a kind says of storage. */

const REGULAR = [1, 2, 4, 41, 44, 45, 1_000, 9_999, 40_000]
const REPLACEABLE = [0, 3, 10_000, 19_999]
const EPHEMERAL = [20_000, 29_999]
const ADDRESSABLE = [30_000, 39_999]

const ago = (g: Ground, sec: number): number => g.now() - sec

const staysAll = (kind: number) => async (g: Ground) => {
  const [client, author] = [await g.connect(), g.author()]
  const events = [3, 2, 1].map((sec) => author.sign({ kind, created_at: ago(g, sec), content: `${sec}` }))
  await client.store(...events)
  sameSet(await client.ids({ authors: [author.pubkey] }), ids(events), 'what is kept')
}

/** Of several versions, given in this order, one is left. */
const leaves =
  (versions: (author: Author, g: Ground) => Signed[], which: (events: readonly Signed[]) => Signed | undefined) =>
  async (g: Ground): Promise<void> => {
    const [client, author] = [await g.connect(), g.author()]
    const events = versions(author, g)
    // What is too old may be refused or taken for known; what is left is what counts.
    for (const event of events) await client.publish(event)
    const left = which(events)?.id
    same(await client.ids({ authors: [author.pubkey] }), [left], 'what is left')
  }

const newest = (events: readonly Signed[]): Signed | undefined =>
  [...events].sort((a, b) => b.created_at - a.created_at)[0]
const lowest = (events: readonly Signed[]): Signed | undefined => [...events].sort(byId)[0]
const byId = (a: Signed, b: Signed): number => (a.id < b.id ? -1 : 1)

const versionsOf =
  (template: Partial<Template>, secondsAgo: readonly number[]) =>
  (author: Author, g: Ground): Signed[] =>
    secondsAgo.map((sec) => author.sign({ ...template, created_at: ago(g, sec), content: `${sec}` }))

/** Three of the same second, by their ids. */
const ties =
  (template: Partial<Template>, order: 'lowest first' | 'lowest last') =>
  (author: Author, g: Ground): Signed[] => {
    const created_at = ago(g, 5)
    const events = ['a', 'b', 'c'].map((content) => author.sign({ ...template, created_at, content })).sort(byId)
    return order === 'lowest first' ? events : events.reverse()
  }

const staysApart =
  (make: (g: Ground) => Signed[]) =>
  async (g: Ground): Promise<void> => {
    const client = await g.connect()
    const events = make(g)
    await client.store(...events)
    sameSet(await client.ids({ ids: ids(events) }), ids(events), 'what is kept')
  }

const ids = (events: readonly Signed[]): string[] => events.map(({ id }) => id)
const d = (value: string): string[][] => [['d', value]]

export const RULES: readonly Rule[] = [
  ...REGULAR.map((kind) =>
    rule(`nip01-kind-regular-${kind}`, `kind ${kind} is regular: every event is kept`, staysAll(kind)),
  ),
  ...REPLACEABLE.flatMap((kind) => [
    rule(
      `nip01-kind-replaceable-${kind}`,
      `kind ${kind} is replaceable: the newest is kept`,
      leaves(versionsOf({ kind }, [9, 6, 3]), newest),
    ),
  ]),
  ...ADDRESSABLE.map((kind) =>
    rule(
      `nip01-kind-addressable-${kind}`,
      `kind ${kind} is addressable: the newest of a d is kept`,
      leaves(versionsOf({ kind, tags: d('x') }, [9, 6, 3]), newest),
    ),
  ),
  rule(
    'nip01-replaceable-older-late',
    'an older version that arrives later changes nothing',
    leaves(versionsOf({ kind: 10_002 }, [3, 9, 6]), newest),
  ),
  rule(
    'nip01-addressable-older-late',
    'an older version of an addressable event that arrives later changes nothing',
    leaves(versionsOf({ kind: 30_023, tags: d('x') }, [3, 9, 6]), newest),
  ),
  ...(['lowest first', 'lowest last'] as const).flatMap((order) => [
    rule(
      `nip01-replaceable-tie-${order.replace(' ', '-')}`,
      `of the same second the lowest id wins: it came ${order.slice(7)}`,
      leaves(ties({ kind: 10_002 }, order), lowest),
    ),
    rule(
      `nip01-addressable-tie-${order.replace(' ', '-')}`,
      `the same for addressable events: it came ${order.slice(7)}`,
      leaves(ties({ kind: 30_023, tags: d('x') }, order), lowest),
    ),
  ]),
  rule(
    'nip01-replaceable-d-is-nothing',
    'a d tag does not divide replaceable events',
    leaves(
      (author, g) => [
        author.sign({ kind: 10_002, tags: d('a'), created_at: ago(g, 5) }),
        author.sign({ kind: 10_002, tags: d('b'), created_at: ago(g, 2) }),
      ],
      newest,
    ),
  ),
  rule(
    'nip01-addressable-no-d',
    'a missing d is the empty one, and so is a d without a value',
    leaves(
      (author, g) => [
        author.sign({ kind: 30_023, tags: d(''), created_at: ago(g, 8) }),
        author.sign({ kind: 30_023, tags: [], created_at: ago(g, 5) }),
        author.sign({ kind: 30_023, tags: [['d']], created_at: ago(g, 2) }),
      ],
      newest,
    ),
  ),
  rule(
    'nip01-addressable-first-d',
    'of two d tags the first one counts',
    leaves(
      (author, g) => [
        author.sign({ kind: 30_023, tags: [...d('a'), ...d('b')], created_at: ago(g, 5) }),
        author.sign({ kind: 30_023, tags: [...d('a'), ...d('c')], created_at: ago(g, 2) }),
      ],
      newest,
    ),
  ),
  rule(
    'nip01-addressable-d-apart',
    'events of different d do not replace each other',
    staysApart((g) => {
      const author = g.author()
      return ['a', 'A', 'a ', ''].map((value) => author.sign({ kind: 30_023, tags: d(value) }))
    }),
  ),
  rule(
    'nip01-addressable-kind-apart',
    'addressable events of different kinds do not replace each other',
    staysApart((g) => {
      const author = g.author()
      return [30_023, 30_024].map((kind) => author.sign({ kind, tags: d('x') }))
    }),
  ),
  rule(
    'nip01-addressable-author-apart',
    'addressable events of different authors do not replace each other',
    staysApart((g) => [g.author(), g.author()].map((author) => author.sign({ kind: 30_023, tags: d('x') }))),
  ),
  rule(
    'nip01-replaceable-author-apart',
    'replaceable events of different authors do not replace each other',
    staysApart((g) => [g.author(), g.author()].map((author) => author.sign({ kind: 10_002 }))),
  ),
  rule('nip01-replaced-not-by-id', 'a version that was replaced is not served by its id either', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const [old, current] = versionsOf({ kind: 10_002 }, [9, 3])(author, g)
    if (old === undefined || current === undefined) return
    await client.store(old, current)
    same(await client.ids({ ids: [old.id, current.id] }), [current.id], 'what is served')
  }),
  rule(
    'nip01-replaced-not-by-tag',
    'a version that was replaced is not served by a tag that only it had',
    async (g) => {
      const [client, author] = [await g.connect(), g.author()]
      const topic = author.pubkey.slice(0, 20)
      await client.store(
        author.sign({ kind: 10_002, created_at: ago(g, 9), tags: [['t', topic]] }),
        author.sign({ kind: 10_002, created_at: ago(g, 3) }),
      )
      same(await client.ids({ '#t': [topic] }), [], 'what is served')
    },
  ),
  rule('nip01-replaced-limit', 'versions that were replaced do not use up a limit', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const note = author.sign({ created_at: ago(g, 60) })
    await client.store(note)
    for (const sec of [50, 40, 30]) await client.store(author.sign({ kind: 10_002, created_at: ago(g, sec) }))
    const found = await client.ids({ authors: [author.pubkey], limit: 2 })
    expect(found.includes(note.id) && found.length === 2, `${found.length} events, without the second newest`)
  }),
  rule('nip01-newer-version-live', 'a newer version reaches those who listen', async (g) => {
    const [client, listener, author] = [await g.connect(), await g.connect(), g.author()]
    const [old, current] = versionsOf({ kind: 10_002 }, [9, 3])(author, g)
    if (old === undefined || current === undefined) return
    await client.store(old)
    const live = await listener.subscribe({ authors: [author.pubkey] })
    await client.store(current)
    await live.hears(current.id)
  }),
  advice('nip01-older-version-not-live', 'an older version that arrives later reaches nobody', async (g) => {
    const [client, listener, author] = [await g.connect(), await g.connect(), g.author()]
    const live = await listener.subscribe({ authors: [author.pubkey], limit: 0 })
    const [current, old] = versionsOf({ kind: 10_002 }, [3, 9])(author, g)
    if (old === undefined || current === undefined) return
    await client.store(current)
    await client.publish(old)
    const last = author.sign({ kind: 1 })
    await client.store(last)
    await live.hears(last.id)
    same(live.ids(), [current.id, last.id], 'what was heard')
  }),

  ...EPHEMERAL.flatMap((kind) => [
    rule(
      `nip01-kind-ephemeral-${kind}`,
      `kind ${kind} is ephemeral: heard by those who listen, not stored`,
      async (g) => {
        const [client, listener, author] = [await g.connect(), await g.connect(), g.author()]
        const live = await listener.subscribe({ authors: [author.pubkey] })
        const event = author.sign({ kind })
        await client.store(event)
        await live.hears(event.id)
        same(await client.ids({ authors: [author.pubkey] }), [], 'stored')
        same(await client.ids({ ids: [event.id] }), [], 'stored, by its id')
      },
    ),
  ]),
  rule('nip01-ephemeral-mute', 'an ephemeral event that nobody hears gets OK false with mute:', async (g) => {
    const client = await g.connect()
    await client.refuses(g.author().sign({ kind: 20_001 }), 'mute')
  }),
  rule('nip01-ephemeral-once', 'an ephemeral event that comes twice is heard once', async (g) => {
    const [client, listener, author] = [await g.connect(), await g.connect(), g.author()]
    const live = await listener.subscribe({ authors: [author.pubkey] })
    const [event, last] = [author.sign({ kind: 20_001 }), author.sign({ kind: 20_001, content: 'last' })]
    await client.store(event)
    await client.publish(event)
    await client.store(last)
    await live.hears(last.id)
    same(live.ids(), [event.id, last.id], 'what was heard')
  }),
]
