import type { Author } from './author.js'
import type { Client } from './client.js'
import type { Ground } from './ground.js'
import { expect, rule, same, shown } from './rule.js'
import type { Rule } from './rule.js'
import { compare } from './sync.js'

/** NIP-42: relays that are written and read by some keys only. */

const authed = async (g: Ground, ...authors: Author[]): Promise<Client> => {
  const client = await g.connect()
  for (const author of authors) expect((await client.auth(author)).accepted, 'the AUTH was refused')
  return client
}

const onLists = (id: string, what: string, check: (g: Ground) => Promise<void>): Rule => rule(id, what, check, 'lists')

/** The ways to ask, and what a refusal says on each. */
const WAYS: Readonly<Record<string, (client: Client) => Promise<string>>> = {
  req: async (client) => closedReason(await client.ask({ kinds: [1], limit: 5 }).then(({ end }) => end)),
  everything: async (client) => closedReason(await client.ask({}).then(({ end }) => end)),
  'limit-zero': async (client) => closedReason(await client.ask({ kinds: [1], limit: 0 }).then(({ end }) => end)),
  count: async (client) => closedReason(await client.askCount({ kinds: [1] })),
  sync: async (client) => (await compare(client, { kinds: [1] })).refusal ?? 'answered',
}

const closedReason = (frame: readonly unknown[]): string => (frame[0] === 'CLOSED' ? String(frame[2]) : 'answered')

const WORDS: Readonly<Record<string, string>> = {
  ...{
    req: 'REQ',
    everything: 'REQ for everything',
    'limit-zero': 'REQ with limit 0',
    count: 'COUNT',
    sync: 'NEG-OPEN',
  },
}

export const RULES: readonly Rule[] = [
  ...Object.entries(WAYS).flatMap(([way, ask]) => [
    onLists(`nip42-read-unknown-${way}`, `${WORDS[way] ?? way} of somebody unknown gets auth-required:`, async (g) => {
      const said = await ask(await g.connect())
      expect(said.startsWith('auth-required: '), shown(said))
    }),
    onLists(
      `nip42-read-stranger-${way}`,
      `${WORDS[way] ?? way} of a key that is not on the list gets restricted:`,
      async (g) => {
        const said = await ask(await authed(g, g.author()))
        expect(said.startsWith('restricted: '), shown(said))
      },
    ),
    onLists(`nip42-read-listed-${way}`, `${WORDS[way] ?? way} of a key that is on it is answered`, async (g) => {
      same(await ask(await authed(g, g.own().keys.reader)), 'answered', 'what is said')
    }),
  ]),
  onLists('nip42-write-unknown', 'an event of somebody unknown gets auth-required:', async (g) => {
    await (await g.connect()).refuses(g.author().sign(), 'auth-required')
  }),
  onLists('nip42-write-stranger', 'an event brought by a key that is not on the list gets restricted:', async (g) => {
    const author = g.author()
    await (await authed(g, author)).refuses(author.sign(), 'restricted')
  }),
  onLists('nip42-write-listed', 'an event brought by a key that is on the list is taken', async (g) => {
    await (await authed(g, g.own().keys.writer)).store(g.own().keys.writer.sign({ content: g.author().pubkey }))
  }),
  onLists(
    'nip42-write-wrap',
    'so is one whose author is a throw-away key, as of a gift wrap, where a listed key brings it',
    async (g) => {
      const wrap = g.author().sign({ kind: 1059, tags: [['p', g.author().pubkey]] })
      await (await authed(g, g.own().keys.writer)).store(wrap)
    },
  ),
  onLists('nip42-lists-apart-write', 'who may read may not write for that', async (g) => {
    const { reader } = g.own().keys
    await (await authed(g, reader)).refuses(reader.sign(), 'restricted')
  }),
  onLists('nip42-lists-apart-read', 'who may write may not read for that', async (g) => {
    const { end } = await (await authed(g, g.own().keys.writer)).ask({ kinds: [1], limit: 1 })
    expect(closedReason(end).startsWith('restricted: '), shown(JSON.stringify(end)))
  }),
  onLists('nip42-lists-any-key', 'of several keys of a connection one on the list is enough', async (g) => {
    const client = await authed(g, g.author(), g.own().keys.reader)
    await client.ids({ kinds: [1], limit: 1 })
  }),
  onLists('nip42-lists-read-live', 'what is written is heard by who may read', async (g) => {
    const { reader, writer } = g.own().keys
    const [client, listener] = [await authed(g, writer), await authed(g, reader)]
    const topic = g.author().pubkey
    const live = await listener.subscribe({ '#t': [topic] })
    const event = writer.sign({ tags: [['t', topic]] })
    await client.store(event)
    await live.hears(event.id)
  }),
  onLists(
    'nip42-lists-hot',
    'a key that is put on a list may write without a restart, and one taken off may not',
    async (g) => {
      const [own, newcomer] = [g.own(), g.author()]
      const client = await authed(g, newcomer)
      const until = async (wanted: boolean): Promise<void> => {
        for (let n = 0; ; n++) {
          const { accepted } = await client.publish(newcomer.sign({ content: `${wanted} ${n}` }))
          if (accepted === wanted) return
          await g.rest()
        }
      }
      own.writeList('writer', [own.keys.writer, newcomer])
      await until(true)
      own.writeList('writer', [own.keys.writer])
      await until(false)
    },
  ),
]
