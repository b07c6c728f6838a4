import type { Author, Signed } from './author.js'
import { freshHex } from './author.js'
import type { Client } from './client.js'
import type { Ground } from './ground.js'
import { expect, rule, same, sameSet } from './rule.js'
import type { Rule } from './rule.js'

/** NIP-09: deletion requests. */

const T = 1_700_000_000
const LIST = 10_002
const ARTICLE = 30_023

interface Scene {
  readonly client: Client
  readonly author: Author
  readonly g: Ground
  /** What the author has there, deletion requests left out. */
  readonly left: () => Promise<string[]>
  readonly deletes: (tags: string[][], created_at?: number, by?: Author) => Signed
}

const scene =
  (play: (scene: Scene) => Promise<void>) =>
  async (g: Ground): Promise<void> => {
    const [client, author] = [await g.connect(), g.author()]
    await play({
      ...{ client, author, g },
      left: async () => {
        const { events } = await client.ask({ authors: [author.pubkey] })
        return events.flatMap(({ id, kind }) => (kind === 5 ? [] : [id]))
      },
      deletes: (tags, created_at = T + 100, by = author) => by.sign({ kind: 5, tags, created_at }),
    })
  }

const note = (author: Author, n = 0): Signed => author.sign({ created_at: T + n, content: String(n) })
const article = (author: Author, d: string, n = 0): Signed =>
  author.sign({ kind: ARTICLE, created_at: T + n, content: String(n), tags: [['d', d]] })
const address = (author: Author, d: string, kind = ARTICLE): string => `${kind}:${author.pubkey}:${d}`

/** A request that asks for nothing that is there, whether it is taken or not. */
const deletesNothing = (tagsOf: (kept: Signed, g: Ground, other: Signed) => string[][]) =>
  scene(async ({ client, author, g, left, deletes }) => {
    const [one, two, text] = [note(author, 1), note(author, 2), article(author, 'x')]
    const foreign = note(g.author())
    await client.store(one, two, text, foreign)
    await client.publish(deletes(tagsOf(one, g, foreign)))
    sameSet(await left(), [one.id, two.id, text.id], 'what is left of the author')
    same(await client.ids({ ids: [foreign.id] }), [foreign.id], 'what is left of another')
  })

export const RULES: readonly Rule[] = [
  rule(
    'nip09-e',
    'an e tag deletes that event of the own author',
    scene(async ({ client, author, left, deletes }) => {
      const [gone, kept] = [note(author, 1), note(author, 2)]
      await client.store(gone, kept, deletes([['e', gone.id]]))
      same(await left(), [kept.id], 'what is left')
    }),
  ),
  rule(
    'nip09-e-by-id',
    'what is deleted is not served by its id, a tag or a kind either',
    scene(async ({ client, author, deletes }) => {
      const topic = freshHex()
      const gone = author.sign({ created_at: T, tags: [['t', topic]] })
      await client.store(gone, deletes([['e', gone.id]]))
      same(await client.ids({ ids: [gone.id] }), [], 'by its id')
      same(await client.ids({ '#t': [topic] }), [], 'by its tag')
      same(await client.ids({ authors: [author.pubkey], kinds: [1] }), [], 'by its kind')
    }),
  ),
  rule(
    'nip09-e-many',
    'one request deletes all that it names',
    scene(async ({ client, author, left, deletes }) => {
      const events = [1, 2, 3, 4].map((n) => note(author, n))
      await client.store(...events, deletes(events.slice(1).map(({ id }) => ['e', id])))
      same(await left(), [events[0]?.id], 'what is left')
    }),
  ),
  rule(
    'nip09-e-foreign',
    'an event of somebody else is not deleted',
    deletesNothing((_, __, other) => [['e', other.id]]),
  ),
  rule(
    'nip09-e-mixed',
    'among foreign events the own one is deleted all the same',
    scene(async ({ client, author, g, left, deletes }) => {
      const [own, foreign] = [note(author), note(g.author())]
      await client.store(own, foreign)
      // A relay may refuse it for the foreign one; then it must leave both.
      const { accepted } = await client.publish(
        deletes([
          ['e', foreign.id],
          ['e', own.id],
        ]),
      )
      same(await client.ids({ ids: [foreign.id] }), [foreign.id], 'what is left of the other')
      same(await left(), accepted ? [] : [own.id], 'what is left of the own')
    }),
  ),
  rule(
    'nip09-rebroadcast',
    'what is deleted is refused when it comes again',
    scene(async ({ client, author, left, deletes }) => {
      const gone = note(author)
      await client.store(gone, deletes([['e', gone.id]]))
      await client.refuses(gone)
      same(await left(), [], 'what is left')
    }),
  ),
  rule(
    'nip09-before-arrival',
    'an event whose deletion came first is not taken',
    scene(async ({ client, author, left, deletes }) => {
      const gone = note(author)
      await client.store(deletes([['e', gone.id]]))
      await client.publish(gone)
      same(await left(), [], 'what is left')
    }),
  ),
  rule(
    'nip09-before-arrival-foreign',
    'a deletion of somebody else that came first keeps nothing out',
    scene(async ({ client, author, g, left, deletes }) => {
      const event = note(author)
      await client.publish(deletes([['e', event.id]], T + 100, g.author()))
      await client.store(event)
      same(await left(), [event.id], 'what is left')
    }),
  ),
  rule(
    'nip09-live',
    'a deletion request reaches those who listen',
    scene(async ({ client, author, deletes }) => {
      const gone = note(author)
      await client.store(gone)
      const live = await client.subscribe({ authors: [author.pubkey], kinds: [5] })
      const request = deletes([['e', gone.id]])
      await client.store(request)
      await live.hears(request.id)
    }),
  ),
  rule(
    'nip09-kind5-served',
    'a deletion request stays served',
    scene(async ({ client, author, deletes }) => {
      const gone = note(author)
      const request = deletes([['e', gone.id]])
      await client.store(gone, request)
      same(await client.ids({ authors: [author.pubkey], kinds: [5] }), [request.id], 'by its author')
      same(await client.ids({ '#e': [gone.id] }), [request.id], 'by what it deletes')
    }),
  ),
  rule(
    'nip09-kind5-undeletable',
    'deleting a deletion request does nothing',
    scene(async ({ client, author, left, deletes }) => {
      const gone = note(author)
      const request = deletes([['e', gone.id]])
      await client.store(gone, request)
      await client.publish(deletes([['e', request.id]], T + 200))
      expect((await client.ids({ ids: [request.id] })).length === 1, 'the request is gone')
      await client.publish(gone)
      same(await left(), [], 'what is left')
    }),
  ),

  rule(
    'nip09-a-addressable',
    'an a tag deletes the addressable event',
    scene(async ({ client, author, left, deletes }) => {
      const [gone, kept] = [article(author, 'x'), article(author, 'y')]
      await client.store(gone, kept, deletes([['a', address(author, 'x')]]))
      same(await left(), [kept.id], 'what is left')
    }),
  ),
  rule(
    'nip09-a-replaceable',
    'an a tag deletes the replaceable event',
    scene(async ({ client, author, left, deletes }) => {
      const [gone, kept] = [author.sign({ kind: LIST, created_at: T }), author.sign({ kind: 10_003, created_at: T })]
      await client.store(gone, kept, deletes([['a', address(author, '', LIST)]]))
      same(await left(), [kept.id], 'what is left')
    }),
  ),
  rule(
    'nip09-a-profile',
    'an a tag deletes events of kinds 0 and 3 too',
    scene(async ({ client, author, left, deletes }) => {
      await client.store(...[0, 3].map((kind) => author.sign({ kind, created_at: T })))
      await client.store(deletes([0, 3].map((kind) => ['a', address(author, '', kind)])))
      same(await left(), [], 'what is left')
    }),
  ),
  rule(
    'nip09-a-newer-stays',
    'a version later than the request stays',
    scene(async ({ client, author, left, deletes }) => {
      const newer = article(author, 'x', 200)
      await client.store(newer, deletes([['a', address(author, 'x')]], T + 100))
      same(await left(), [newer.id], 'what is left')
    }),
  ),
  rule(
    'nip09-a-same-second',
    'a version of the same second as the request is deleted',
    scene(async ({ client, author, left, deletes }) => {
      await client.store(article(author, 'x', 100), deletes([['a', address(author, 'x')]], T + 100))
      same(await left(), [], 'what is left')
    }),
  ),
  rule(
    'nip09-a-newer-later',
    'a later version is taken after the request',
    scene(async ({ client, author, left, deletes }) => {
      const newer = article(author, 'x', 200)
      await client.store(article(author, 'x'), deletes([['a', address(author, 'x')]], T + 100), newer)
      same(await left(), [newer.id], 'what is left')
    }),
  ),
  rule(
    'nip09-a-before-arrival',
    'an earlier version that arrives after the request is not taken',
    scene(async ({ client, author, left, deletes }) => {
      await client.store(deletes([['a', address(author, 'x')]], T + 100))
      await client.publish(article(author, 'x', 50))
      same(await left(), [], 'what is left')
    }),
  ),
  rule(
    'nip09-a-colon',
    'a d that holds colons is one d: only the first two divide an address',
    scene(async ({ client, author, left, deletes }) => {
      const d = 'https://x.example:8080/a:b:'
      const [gone, kept] = [article(author, d), article(author, 'https')]
      await client.store(gone, kept, deletes([['a', address(author, d)]]))
      same(await left(), [kept.id], 'what is left')
    }),
  ),
  rule(
    'nip09-a-empty-d',
    'an empty d is a d like any other',
    scene(async ({ client, author, left, deletes }) => {
      const [gone, kept] = [article(author, ''), article(author, 'x')]
      await client.store(gone, kept, deletes([['a', address(author, '')]]))
      same(await left(), [kept.id], 'what is left')
    }),
  ),
  rule(
    'nip09-a-foreign',
    'an address of somebody else deletes nothing',
    scene(async ({ client, author, g, left, deletes }) => {
      const kept = article(author, 'x')
      await client.store(kept)
      await client.publish(deletes([['a', address(author, 'x')]], T + 100, g.author()))
      same(await left(), [kept.id], 'what is left')
    }),
  ),
  rule(
    'nip09-a-only-never-matches-all',
    'a request that has only an a tag, for what is not there, deletes nothing else',
    deletesNothing((kept) => [['a', `${ARTICLE}:${kept.pubkey}:no-such-d`]]),
  ),
  rule(
    'nip09-a-regular',
    'an address of a regular kind deletes nothing',
    deletesNothing((kept) => [['a', `1:${kept.pubkey}:`]]),
  ),
  rule(
    'nip09-k-only',
    'a k tag alone deletes nothing',
    deletesNothing(() => [
      ['k', '1'],
      ['k', String(ARTICLE)],
    ]),
  ),
  rule(
    'nip09-no-tags',
    'a request without tags deletes nothing',
    deletesNothing(() => []),
  ),
  rule(
    'nip09-garbage',
    'tags that are none delete nothing',
    deletesNothing((kept) => [
      ['e'],
      ['e', ''],
      ['e', kept.id.slice(0, 8)],
      ['a'],
      ['a', ''],
      ['a', '::'],
      ['a', `:${kept.pubkey}:x`],
    ]),
  ),
  rule(
    'nip09-p-only',
    'a p tag deletes nothing of whom it names',
    deletesNothing((kept, _, other) => [
      ['p', kept.pubkey],
      ['p', other.pubkey],
    ]),
  ),
  rule(
    'nip09-current-version',
    'deleting the current version brings no older one back',
    scene(async ({ client, author, left, deletes }) => {
      const [old, current] = [article(author, 'x', 1), article(author, 'x', 2)]
      await client.store(old, current, deletes([['e', current.id]]))
      expect(!(await left()).includes(current.id), 'the current version is still there')
      same(await left(), [], 'what is left')
    }),
  ),
  rule('nip09-any-order', 'versions and a deletion in any order of arrival leave the same', async (g) => {
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2],
      [0, 2, 1],
      [1, 2, 0],
      [2, 0, 1],
    ]) {
      const [client, author] = [await g.connect(), g.author()]
      const events = [
        article(author, 'x', 1),
        author.sign({ kind: 5, created_at: T + 2, tags: [['a', address(author, 'x')]] }),
        article(author, 'x', 3),
      ]
      for (const at of order) await client.publish(events[at] ?? note(author))
      const { events: left } = await client.ask({ authors: [author.pubkey] })
      sameSet(
        left.map(({ id }) => id),
        events.slice(1).map(({ id }) => id),
        `what the order ${order.join()} leaves`,
      )
    }
  }),
]
