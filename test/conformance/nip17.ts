import type { Author, Signed } from './author.js'
import type { Client } from './client.js'
import type { Ground } from './ground.js'
import { advice, expect, rule, same, shown } from './rule.js'
import type { Rule } from './rule.js'
import { compare, need } from './sync.js'

/** NIP-17 and NIP-59: gift wraps are read by those they are for, and by nobody else, by any way. */

const WRAP = 1059
const EPHEMERAL_WRAP = 21_059
const TWO_DAYS_SEC = 172_800

interface Secret {
  readonly wrap: Signed
  readonly recipient: Author
  /** The throw-away key. */
  readonly wrapper: Author
  readonly writer: Client
}

const secret = async (g: Ground, kind = WRAP): Promise<Secret> => {
  const [writer, recipient, wrapper] = [await g.connect(), g.author(), g.author()]
  const wrap = wrapper.sign({ kind, tags: [['p', recipient.pubkey]], content: 'sealed' })
  if (kind === WRAP) await writer.store(wrap)
  return { wrap, recipient, wrapper, writer }
}

const authed = async (g: Ground, author: Author): Promise<Client> => {
  const client = await g.connect()
  const { accepted, reason } = await client.auth(author)
  expect(accepted, `the AUTH was refused: ${shown(reason)}`)
  return client
}

/** Every way to ask for a wrap. */
const QUESTIONS: Readonly<Record<string, (secret: Secret) => object[]>> = {
  kind: () => [{ kinds: [WRAP], limit: 100 }],
  id: ({ wrap }) => [{ ids: [wrap.id] }],
  recipient: ({ recipient }) => [{ '#p': [recipient.pubkey] }],
  author: ({ wrapper }) => [{ authors: [wrapper.pubkey] }],
  time: ({ wrap }) => [{ since: wrap.created_at, until: wrap.created_at }],
  everything: () => [{}],
  mixed: ({ wrap }) => [{ kinds: [1, WRAP], limit: 100 }, { ids: [wrap.id] }],
}

/** Not even its id. */
const isSilent = (client: Client, { wrap }: Secret): void => {
  expect(!client.saw(wrap.id) && !client.saw(wrap.sig), 'the wrap, or its id, was told')
}

const viewers = (g: Ground): Record<string, (secret: Secret) => Promise<Client>> => ({
  unknown: () => g.connect(),
  stranger: () => authed(g, g.author()),
})
const WHO: Readonly<Record<string, string>> = { unknown: 'somebody unknown', stranger: 'another key' }
const WORDS: Readonly<Record<string, string>> = {
  kind: 'its kind',
  id: 'its id',
  recipient: 'its p tag',
  author: 'its author',
  time: 'its second',
  everything: '{}',
  mixed: 'other things as well',
}

const viewerRules = (who: 'unknown' | 'stranger'): Rule[] => {
  const open = async (g: Ground): Promise<{ hidden: Secret; client: Client }> => {
    const hidden = await secret(g)
    const client = await viewers(g)[who]?.(hidden)
    return { hidden, client: client ?? (await g.connect()) }
  }
  const of = (name: string, words: string, play: (client: Client, hidden: Secret, g: Ground) => Promise<void>): Rule =>
    rule(`nip17-${who}-${name}`, `${WHO[who] ?? who} ${words}`, async (g) => {
      const { hidden, client } = await open(g)
      await play(client, hidden, g)
      isSilent(client, hidden)
    })
  return [
    ...Object.entries(QUESTIONS).map(([way, filters]) =>
      of(`req-${way}`, `gets no wrap by asking for ${WORDS[way] ?? way}`, async (client, hidden) => {
        await client.ask(...filters(hidden))
      }),
    ),
    of('live', 'hears no wrap live, whatever is subscribed, limit 0 or not', async (client, hidden, g) => {
      const { recipient, wrapper, writer } = hidden
      for (const filters of Object.values(QUESTIONS)) {
        for (const limit of [{}, { limit: 0 }]) {
          await client.ask() // An answer, so that not all is open at once.
          client.send('REQ', client.freshId(), ...filters(hidden).map((filter) => ({ ...filter, ...limit })))
        }
      }
      await client.fence()
      const later = wrapper.sign({ kind: WRAP, tags: [['p', recipient.pubkey]], content: 'later' })
      const last = g.author().sign()
      const live = await client.subscribe({ ids: [last.id] })
      await writer.store(later, last)
      await live.hears(last.id)
      expect(!client.saw(later.id), 'the wrap came')
    }),
    of('count', 'gets no count of wraps', async (client, { wrap, wrapper, recipient }) => {
      for (const filter of [{ ids: [wrap.id] }, { authors: [wrapper.pubkey] }, { '#p': [recipient.pubkey] }]) {
        const frame = await client.askCount(filter)
        const counted = frame[0] === 'COUNT' ? (frame[2] as { count: number }).count : 0
        same(counted, 0, 'the count')
      }
    }),
    of('sync', 'learns no id of a wrap by a sync', async (client, { wrapper, recipient }) => {
      for (const filter of [
        { authors: [wrapper.pubkey] },
        { '#p': [recipient.pubkey] },
        { kinds: [WRAP], authors: [wrapper.pubkey] },
      ]) {
        same((await compare(client, filter)).need, [], 'ids that were told')
      }
    }),
    of('ephemeral', 'hears no wrap of kind 21059', async (client, { recipient, writer }, g) => {
      const live = await client.subscribe({ '#p': [recipient.pubkey] }, { kinds: [1], authors: [recipient.pubkey] })
      const fleeting = g.author().sign({ kind: EPHEMERAL_WRAP, tags: [['p', recipient.pubkey]] })
      const last = recipient.sign({ kind: 1 })
      await writer.publish(fleeting)
      await writer.store(last)
      await live.hears(last.id)
      expect(!client.saw(fleeting.id), 'the wrap came')
    }),
  ]
}

export const RULES: readonly Rule[] = [
  rule('nip17-recipient-req', 'the one it is for reads a wrap, authenticated', async (g) => {
    const { wrap, recipient } = await secret(g)
    const client = await authed(g, recipient)
    same(await client.ids({ kinds: [WRAP], '#p': [recipient.pubkey] }), [wrap.id], 'what is read')
  }),
  rule(
    'nip17-recipient-ways',
    'the one it is for reads a wrap by its id, by its author and among other things too',
    async (g) => {
      const { wrap, recipient, wrapper } = await secret(g)
      const client = await authed(g, recipient)
      for (const filter of [
        { ids: [wrap.id] },
        { authors: [wrapper.pubkey] },
        { kinds: [1, WRAP], '#p': [recipient.pubkey] },
      ]) {
        same(await client.ids(filter), [wrap.id], 'what is read')
      }
    },
  ),
  rule('nip17-recipient-live', 'the one it is for hears a wrap live', async (g) => {
    const { recipient, wrapper, writer } = await secret(g)
    const client = await authed(g, recipient)
    const live = await client.subscribe({ kinds: [WRAP], '#p': [recipient.pubkey], limit: 0 })
    const wrap = wrapper.sign({ kind: WRAP, tags: [['p', recipient.pubkey]], content: 'later' })
    await writer.store(wrap)
    await live.hears(wrap.id)
  }),
  rule('nip17-recipient-count', 'the one it is for counts a wrap', async (g) => {
    const { recipient } = await secret(g)
    same(await (await authed(g, recipient)).count({ kinds: [WRAP], '#p': [recipient.pubkey] }), 1, 'the count')
  }),
  rule('nip17-recipient-sync', 'the one it is for finds a wrap by a sync', async (g) => {
    const { wrap, recipient } = await secret(g)
    same(await need(await authed(g, recipient), { kinds: [WRAP], '#p': [recipient.pubkey] }), [wrap.id], 'what is told')
  }),
  rule('nip17-recipients', 'a wrap of two p tags is read by both', async (g) => {
    const [writer, alice, bob] = [await g.connect(), g.author(), g.author()]
    const tags = [alice, bob].map(({ pubkey }) => ['p', pubkey])
    const wrap = g.author().sign({ kind: WRAP, tags })
    await writer.store(wrap)
    for (const author of [alice, bob]) {
      same(await (await authed(g, author)).ids({ ids: [wrap.id] }), [wrap.id], 'what is read')
    }
  }),
  rule('nip17-own-only', 'of the wraps of several, each reads the own ones', async (g) => {
    const [writer, alice, bob] = [await g.connect(), g.author(), g.author()]
    const wraps = [alice, bob].map(({ pubkey }) => g.author().sign({ kind: WRAP, tags: [['p', pubkey]] }))
    await writer.store(...wraps)
    const client = await authed(g, alice)
    const { events } = await client.ask({ ids: wraps.map(({ id }) => id) })
    same(
      events.map(({ id }) => id),
      [wraps[0]?.id],
      'what is read',
    )
  }),
  rule('nip17-author-not', 'the author of a wrap, a throw-away key, does not read it', async (g) => {
    const hidden = await secret(g)
    const client = await authed(g, hidden.wrapper)
    await client.ask({ ids: [hidden.wrap.id] })
    await client.ask({ authors: [hidden.wrapper.pubkey] })
    isSilent(client, hidden)
  }),
  ...viewerRules('unknown'),
  ...viewerRules('stranger'),
  rule(
    'nip17-auth-required',
    'a REQ for wraps alone of somebody unknown gets CLOSED with auth-required:',
    async (g) => {
      const { end } = await (await g.connect()).ask({ kinds: [WRAP] })
      expect(end[0] === 'CLOSED' && String(end[2]).startsWith('auth-required: '), shown(JSON.stringify(end)))
    },
  ),
  rule(
    'nip17-auth-required-zero',
    'a REQ with limit 0 for wraps alone of somebody unknown gets auth-required: too',
    async (g) => {
      const { end } = await (await g.connect()).ask({ kinds: [WRAP], limit: 0 })
      expect(end[0] === 'CLOSED' && String(end[2]).startsWith('auth-required: '), shown(JSON.stringify(end)))
    },
  ),
  rule(
    'nip17-auth-required-count',
    'a COUNT of wraps of somebody unknown gets CLOSED with auth-required:',
    async (g) => {
      const frame = await (await g.connect()).askCount({ kinds: [WRAP], '#p': [g.author().pubkey] })
      expect(frame[0] === 'CLOSED' && String(frame[2]).startsWith('auth-required: '), shown(JSON.stringify(frame)))
    },
  ),
  rule(
    'nip17-auth-required-sync',
    'a sync of wraps of somebody unknown gets NEG-ERR with auth-required:',
    async (g) => {
      const { refusal = 'answered' } = await compare(await g.connect(), { kinds: [WRAP] })
      expect(refusal.startsWith('auth-required: '), shown(refusal))
    },
  ),
  rule('nip17-restricted', 'a REQ for the wraps of another gets CLOSED with restricted:', async (g) => {
    const client = await authed(g, g.author())
    const { end } = await client.ask({ kinds: [WRAP], '#p': [g.author().pubkey] })
    expect(end[0] === 'CLOSED' && String(end[2]).startsWith('restricted: '), shown(JSON.stringify(end)))
  }),
  rule('nip17-limit', 'wraps that are not shown do not use up a limit', async (g) => {
    const [writer, author, recipient] = [await g.connect(), g.author(), g.author()]
    const note = author.sign({ created_at: g.now() - 60 })
    await writer.store(note)
    for (const content of ['a', 'b']) {
      await writer.store(author.sign({ kind: WRAP, content, tags: [['p', recipient.pubkey]] }))
    }
    same(await (await g.connect()).ids({ authors: [author.pubkey], limit: 1 }), [note.id], 'what is served')
  }),
  rule('nip59-backdated', 'a wrap of two days ago is taken', async (g) => {
    const [writer, recipient] = [await g.connect(), g.author()]
    const wrap = g.author().sign({ kind: WRAP, created_at: g.now() - TWO_DAYS_SEC, tags: [['p', recipient.pubkey]] })
    await writer.store(wrap)
    same(await (await authed(g, recipient)).ids({ '#p': [recipient.pubkey] }), [wrap.id], 'what is read')
  }),
  rule('nip59-recipient-deletes', 'the one it is for may delete a wrap', async (g) => {
    const { wrap, recipient, writer } = await secret(g)
    await writer.store(recipient.sign({ kind: 5, tags: [['e', wrap.id]] }))
    same(await (await authed(g, recipient)).ids({ ids: [wrap.id] }), [], 'what is left')
    await writer.refuses(wrap)
  }),
  rule('nip59-recipient-deletes-first', 'the one it is for may delete a wrap before it arrives', async (g) => {
    const [writer, recipient] = [await g.connect(), g.author()]
    const wrap = g.author().sign({ kind: WRAP, tags: [['p', recipient.pubkey]] })
    await writer.store(recipient.sign({ kind: 5, tags: [['e', wrap.id]] }))
    await writer.publish(wrap)
    same(await (await authed(g, recipient)).ids({ ids: [wrap.id] }), [], 'what is left')
  }),
  rule('nip59-stranger-deletes-not', 'somebody else may not delete a wrap', async (g) => {
    const { wrap, recipient, writer } = await secret(g)
    await writer.publish(g.author().sign({ kind: 5, tags: [['e', wrap.id]] }))
    same(await (await authed(g, recipient)).ids({ ids: [wrap.id] }), [wrap.id], 'what is left')
  }),
  rule('nip59-recipient-of-others', 'who is p-tagged in an event of another kind may not delete that', async (g) => {
    const [writer, author, named] = [await g.connect(), g.author(), g.author()]
    const note = author.sign({ tags: [['p', named.pubkey]] })
    await writer.store(note)
    await writer.publish(named.sign({ kind: 5, tags: [['e', note.id]] }))
    same(await writer.ids({ ids: [note.id] }), [note.id], 'what is left')
  }),
  rule('nip59-ephemeral-live', 'kind 21059 is heard by the one it is for, and not stored', async (g) => {
    const { wrap, recipient, writer } = await secret(g, EPHEMERAL_WRAP)
    const client = await authed(g, recipient)
    const live = await client.subscribe({ '#p': [recipient.pubkey], limit: 0 })
    await writer.store(wrap)
    await live.hears(wrap.id)
    same(await client.ids({ ids: [wrap.id] }), [], 'stored')
  }),
  advice(
    'nip59-ephemeral-mute',
    'a kind 21059 that only others could hear gets mute:, as nobody heard it',
    async (g) => {
      const { wrap, recipient, writer } = await secret(g, EPHEMERAL_WRAP)
      const client = await authed(g, g.author())
      await client.subscribe({ authors: [wrap.pubkey] }, { kinds: [1], '#p': [recipient.pubkey] })
      await writer.refuses(wrap, 'mute')
    },
  ),
]
