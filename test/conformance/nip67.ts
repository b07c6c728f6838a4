import type { Author, Signed } from './author.js'
import type { Frame } from './client.js'
import type { Ground } from './ground.js'
import { advice, expect, rule, same, sameSet, shown } from './rule.js'
import type { Rule } from './rule.js'

/** NIP-67: whether an answer is all there is. */

const T = 1_700_000_000

const hintsOf = (end: Frame): readonly unknown[] => (Array.isArray(end[2]) ? (end[2] as unknown[]) : [])

const says = (end: Frame, hint: 'finish' | 'more'): void => {
  const other = hint === 'finish' ? 'more' : 'finish'
  const hints = hintsOf(end)
  expect(hints.includes(hint) && !hints.includes(other), `the answer ends with ${shown(JSON.stringify(end))}`)
}

const notes = (author: Author, seconds: readonly number[]): Signed[] =>
  seconds.map((second, i) => author.sign({ created_at: T + second, content: String(i) }))

const told =
  (hint: 'finish' | 'more', seconds: readonly number[], filter: object) =>
  async (g: Ground): Promise<void> => {
    const [client, author] = [await g.connect(), g.author()]
    await client.store(...notes(author, seconds))
    says((await client.ask({ authors: [author.pubkey], ...filter })).end, hint)
  }

export const RULES: readonly Rule[] = [
  rule('nip67-form', 'the third member of EOSE is a list of hints', async (g) => {
    const { end } = await (await g.connect()).ask({ authors: [g.author().pubkey] })
    expect(end.length <= 3 && (end.length === 2 || Array.isArray(end[2])), shown(JSON.stringify(end)))
  }),
  rule('nip67-finish', 'finish, where all there is was sent', told('finish', [1, 2, 3], {})),
  rule('nip67-finish-none', 'finish, where there is nothing', told('finish', [], {})),
  rule('nip67-finish-limit', 'finish, where there is less than the limit', told('finish', [1, 2, 3], { limit: 10 })),
  rule(
    'nip67-finish-exact',
    'finish, where there is just as much as the limit',
    told('finish', [1, 2, 3], { limit: 3 }),
  ),
  rule('nip67-more', 'more, where the limit left some out', told('more', [1, 2, 3], { limit: 2 })),
  rule('nip67-never-wrong', 'never finish, where a limit of 0 left some out', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    await client.store(...notes(author, [1, 2]))
    const { end } = await client.ask({ authors: [author.pubkey], limit: 0 })
    expect(!hintsOf(end).includes('finish'), shown(JSON.stringify(end)))
  }),
  rule('nip67-filters', 'of several filters one that left some out makes it more', async (g) => {
    const [client, alice, bob] = [await g.connect(), g.author(), g.author()]
    await client.store(...notes(alice, [1, 2, 3]), ...notes(bob, [1]))
    const { end } = await client.ask({ authors: [bob.pubkey], limit: 5 }, { authors: [alice.pubkey], limit: 1 })
    says(end, 'more')
  }),
  rule('nip67-ties', 'where a limit cuts through a second, the rest of that second is sent too', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const events = notes(author, [9, 5, 5, 5, 1])
    await client.store(...events)
    const { events: sent, end } = await client.ask({ authors: [author.pubkey], limit: 2 })
    sameSet(
      sent.map(({ id }) => id),
      events.slice(0, 4).map(({ id }) => id),
      'what is sent',
    )
    says(end, 'more')
  }),
  rule('nip67-ties-finish', 'where such a second is the last one there is, it is finish', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    await client.store(...notes(author, [9, 5, 5, 5]))
    const { events, end } = await client.ask({ authors: [author.pubkey], limit: 2 })
    same(events.length, 4, 'events')
    says(end, 'finish')
  }),
  rule('nip67-pages', 'who asks on with until, as long as it is not finish, gets everything', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const events = notes(author, [9, 8, 8, 8, 7, 5, 5, 3, 2, 2, 1])
    await client.store(...events)
    const found = new Set<string>()
    let until: number | undefined
    for (let page = 0; page < events.length; page++) {
      const answer = await client.ask({ authors: [author.pubkey], limit: 3, ...(until === undefined ? {} : { until }) })
      for (const { id } of answer.events) found.add(id)
      if (hintsOf(answer.end).includes('finish')) break
      until = (answer.events.at(-1)?.created_at ?? T) - 1
    }
    sameSet(
      [...found],
      events.map(({ id }) => id),
      'what all pages brought',
    )
  }),
  rule('nip67-hidden', 'events that may not be read make no answer incomplete', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    await client.store(author.sign({ created_at: T + 5 }))
    await client.store(author.sign({ kind: 1059, created_at: T, tags: [['p', g.author().pubkey]] }))
    says((await (await g.connect()).ask({ authors: [author.pubkey], limit: 1 })).end, 'finish')
  }),
  rule('nip67-deleted', 'events that are deleted make no answer incomplete', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const [kept, gone] = notes(author, [5, 1])
    if (kept === undefined || gone === undefined) return
    await client.store(kept, gone, author.sign({ kind: 5, tags: [['e', gone.id]] }))
    says((await client.ask({ authors: [author.pubkey], kinds: [1], limit: 1 })).end, 'finish')
  }),
  advice('nip67-live-goes-on', 'after finish live events come as ever', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const live = await client.subscribe({ authors: [author.pubkey] })
    says(live.end, 'finish')
    const event = author.sign()
    await client.store(event)
    await live.hears(event.id)
  }),
]
