import type { Author } from './author.js'
import type { Client } from './client.js'
import type { Ground } from './ground.js'
import { expect, rule, same } from './rule.js'
import type { Rule } from './rule.js'

/** NIP-70: events that only their author may bring. */

const PROTECTED = [['-']]

const authed = async (g: Ground, ...authors: Author[]): Promise<Client> => {
  const client = await g.connect()
  for (const author of authors) expect((await client.auth(author)).accepted, 'the AUTH was refused')
  return client
}

export const RULES: readonly Rule[] = [
  rule('nip70-unknown', 'a protected event of somebody unknown is refused with auth-required:', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    await client.refuses(author.sign({ tags: PROTECTED }), 'auth-required')
    same(await client.ids({ authors: [author.pubkey] }), [], 'stored all the same')
  }),
  rule('nip70-stranger', 'a protected event brought by another key is refused with restricted:', async (g) => {
    const [client, author] = [await authed(g, g.author()), g.author()]
    await client.refuses(author.sign({ tags: PROTECTED }), 'restricted')
    same(await client.ids({ authors: [author.pubkey] }), [], 'stored all the same')
  }),
  rule('nip70-author', 'a protected event brought by its author is taken, and served to anybody', async (g) => {
    const author = g.author()
    const event = author.sign({ tags: PROTECTED })
    await (await authed(g, author)).store(event)
    same(await (await g.connect()).ids({ ids: [event.id] }), [event.id], 'what is served')
  }),
  rule(
    'nip70-author-among-keys',
    'a protected event is taken also where its author is one of several keys of the connection',
    async (g) => {
      const author = g.author()
      await (await authed(g, g.author(), author, g.author())).store(author.sign({ tags: PROTECTED }))
    },
  ),
  rule('nip70-among-tags', 'the tag of a protected event counts wherever it stands among the tags', async (g) => {
    const client = await g.connect()
    await client.refuses(g.author().sign({ tags: [['t', 'x'], ...PROTECTED, ['p', g.author().pubkey]] }))
  }),
  rule('nip70-any-kind', 'an event of any kind may be protected', async (g) => {
    const client = await g.connect()
    for (const kind of [0, 7, 10_002, 20_001]) await client.refuses(g.author().sign({ kind, tags: PROTECTED }))
  }),
  rule('nip70-not-live', 'a protected event that is refused reaches nobody', async (g) => {
    const [client, listener, author] = [await g.connect(), await g.connect(), g.author()]
    const live = await listener.subscribe({ authors: [author.pubkey] })
    const last = author.sign()
    await client.publish(author.sign({ tags: PROTECTED }))
    await client.store(last)
    await live.hears(last.id)
    same(live.ids(), [last.id], 'what was heard')
  }),
  rule('nip70-again', 'nobody else may bring it again, though it is there already', async (g) => {
    const author = g.author()
    const event = author.sign({ tags: PROTECTED })
    await (await authed(g, author)).store(event)
    const { accepted, reason } = await (await g.connect()).publish(event)
    expect(!accepted || reason.startsWith('duplicate: '), `OK ${accepted}, "${reason}"`)
  }),
  ...[6, 16].map((kind) =>
    rule(`nip70-repost-${kind}`, `a repost of kind ${kind} that holds a protected event is refused`, async (g) => {
      const inner = g.author().sign({ tags: PROTECTED })
      const repost = g.author().sign({ kind, content: JSON.stringify(inner), tags: [['e', inner.id]] })
      await (await g.connect()).refuses(repost)
    }),
  ),
  rule('nip70-repost-of-author', 'a repost that holds a protected event is refused also of its author', async (g) => {
    const author = g.author()
    const content = JSON.stringify(author.sign({ tags: PROTECTED }))
    await (await authed(g, author)).refuses(author.sign({ kind: 6, content }))
  }),
  rule('nip70-repost-plain', 'a repost of what is not protected is taken', async (g) => {
    const inner = g.author().sign({ tags: [['t', '-']] })
    await (
      await g.connect()
    ).store(g.author().sign({ kind: 6, content: JSON.stringify(inner), tags: [['e', inner.id]] }))
  }),
  rule('nip70-repost-named', 'a repost that only names a protected event is taken', async (g) => {
    await (await g.connect()).store(g.author().sign({ kind: 6, content: '', tags: [['e', g.author().pubkey]] }))
  }),
]
