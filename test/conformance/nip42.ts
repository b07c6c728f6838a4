import type { Author } from './author.js'
import type { Client } from './client.js'
import type { Ground } from './ground.js'
import { PREFIX } from './nip01-answers.js'
import { expect, rule, same, shown } from './rule.js'
import type { Rule } from './rule.js'

/** NIP-42: who is there. */

const AUTH_KIND = 22_242
const WINDOW_SEC = 600

type Over = Parameters<Client['auth']>[1]

const passes = (over: (g: Ground, client: Client) => Over) => async (g: Ground) => {
  const client = await g.connect()
  const { accepted, reason } = await client.auth(g.author(), over(g, client))
  expect(accepted, `refused: ${shown(reason)}`)
}

/** Refused, with a prefix; and nobody is authenticated by it. */
const fails =
  (tell: (client: Client, author: Author, g: Ground) => Promise<{ accepted: boolean; reason: string }>) =>
  async (g: Ground): Promise<void> => {
    const [client, author] = [await g.connect(), g.author()]
    const { accepted, reason } = await tell(client, author, g)
    expect(!accepted, 'accepted')
    expect(PREFIX.test(reason), `the reason has no standard prefix: ${shown(reason)}`)
    const wrap = g.author().sign({ kind: 1059, tags: [['p', author.pubkey]] })
    await (await g.connect()).store(wrap)
    await client.ask({ ids: [wrap.id] })
    expect(!client.saw('"kind":1059'), 'it counts as authenticated all the same')
  }

const failsWith = (over: (g: Ground) => Over): ((g: Ground) => Promise<void>) =>
  fails((client, author, g) => client.auth(author, over(g)))

const authTags = async (client: Client): Promise<string[][]> => [
  ['relay', client.url],
  ['challenge', await client.challenge()],
]

/** A gift wrap that only this key may read. */
const secretFor = async (g: Ground, author: Author): Promise<string> => {
  const wrap = g.author().sign({ kind: 1059, tags: [['p', author.pubkey]] })
  await (await g.connect()).store(wrap)
  return wrap.id
}

export const RULES: readonly Rule[] = [
  rule('nip42-challenge', 'a challenge comes at connect', async (g) => {
    const challenge = await (await g.connect()).challenge()
    expect(challenge.length >= 8, `the challenge is ${shown(challenge)}`)
  }),
  rule('nip42-challenge-new', 'each connection gets another challenge', async (g) => {
    const challenges = await Promise.all([1, 2, 3].map(async () => (await g.connect()).challenge()))
    same(new Set(challenges).size, 3, 'different challenges')
  }),
  rule('nip42-ok', 'AUTH gets OK true with four members', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const event = author.sign({ kind: AUTH_KIND, tags: await authTags(client) })
    client.send('AUTH', event)
    const frame = await client.wait('OK', (f) => f[0] === 'OK' && f[1] === event.id)
    same([frame.length, frame[2], typeof frame[3]], [4, true, 'string'], 'OK')
  }),
  rule(
    'nip42-clock-early',
    'an AUTH with a created_at of nine minutes ago passes',
    passes((g) => ({ created_at: g.now() - 540 })),
  ),
  rule(
    'nip42-clock-late',
    'an AUTH with a created_at of nine minutes ahead passes',
    passes((g) => ({ created_at: g.now() + 540 })),
  ),
  rule(
    'nip42-relay-slash',
    'a slash at the end of the relay tag of an AUTH does not matter',
    passes((g) => ({ relay: `${g.url.replace(/\/$/, '')}/` })),
  ),
  rule(
    'nip42-relay-case',
    'the case of scheme and host in the relay tag of an AUTH does not matter',
    passes((g) => ({ relay: g.url.replace(/^[^/]*\/\/[^/]*/, (place) => place.toUpperCase()) })),
  ),
  rule(
    'nip42-created-at-old',
    'an AUTH with a created_at of long ago fails',
    failsWith((g) => ({ created_at: g.now() - 2 * WINDOW_SEC })),
  ),
  rule(
    'nip42-created-at-future',
    'an AUTH with a created_at far ahead fails',
    failsWith((g) => ({ created_at: g.now() + 2 * WINDOW_SEC })),
  ),
  rule(
    'nip42-challenge-wrong',
    'an AUTH with a challenge that never was fails',
    failsWith(() => ({ challenge: 'made up' })),
  ),
  rule(
    'nip42-relay-wrong',
    'an AUTH for the URL of another relay fails',
    failsWith(() => ({ relay: 'wss://elsewhere.example/' })),
  ),
  rule(
    'nip42-relay-none',
    'an AUTH with a relay tag that is no URL fails',
    failsWith(() => ({ relay: 'relay' })),
  ),
  rule(
    'nip42-challenge-of-another',
    'an AUTH with the challenge of another connection fails',
    fails(async (client, author, g) => client.auth(author, { challenge: await (await g.connect()).challenge() })),
  ),
  rule(
    'nip42-kind',
    'an AUTH with an event of another kind fails',
    fails(async (client, author) => client.authWith(author.sign({ kind: 1, tags: await authTags(client) }))),
  ),
  rule(
    'nip42-signature',
    'an AUTH whose signature does not hold fails',
    fails(async (client, author, g) => {
      const event = author.sign({ kind: AUTH_KIND, tags: await authTags(client) })
      return client.authWith({ ...event, sig: g.author().sign().sig })
    }),
  ),
  rule(
    'nip42-id',
    'an AUTH whose id is not the hash fails',
    fails(async (client, author) => {
      const event = author.sign({ kind: AUTH_KIND, tags: [] })
      return client.authWith({ ...event, tags: await authTags(client) })
    }),
  ),
  rule(
    'nip42-no-challenge-tag',
    'an AUTH without a challenge tag fails',
    fails((client, author) => client.authWith(author.sign({ kind: AUTH_KIND, tags: [['relay', client.url]] }))),
  ),
  rule(
    'nip42-no-relay-tag',
    'an AUTH without a relay tag fails',
    fails(async (client, author) =>
      client.authWith(author.sign({ kind: AUTH_KIND, tags: [['challenge', await client.challenge()]] })),
    ),
  ),
  rule('nip42-several-keys', 'several keys may authenticate on one connection, and all of them count', async (g) => {
    const [client, alice, bob] = [await g.connect(), g.author(), g.author()]
    const [ofAlice, ofBob] = [await secretFor(g, alice), await secretFor(g, bob)]
    for (const author of [alice, bob]) expect((await client.auth(author)).accepted, 'the AUTH was refused')
    same(await client.ids({ ids: [ofAlice] }), [ofAlice], 'what the first one reads')
    same(await client.ids({ ids: [ofBob] }), [ofBob], 'what the second one reads')
  }),
  rule('nip42-same-key-again', 'the same key may authenticate again', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    for (const ahead of [0, 1]) expect((await client.auth(author, { created_at: g.now() + ahead })).accepted, 'refused')
  }),
  rule('nip42-failure-changes-nothing', 'an AUTH that fails takes nothing from those that held', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const secret = await secretFor(g, author)
    await client.auth(author)
    await client.auth(g.author(), { challenge: 'made up' })
    same(await client.ids({ ids: [secret] }), [secret], 'what is read')
  }),
  rule('nip42-of-connection', 'who authenticated on one connection is nobody on another', async (g) => {
    const [one, two, author] = [await g.connect(), await g.connect(), g.author()]
    const secret = await secretFor(g, author)
    await one.auth(author)
    await two.ask({ ids: [secret] })
    expect(!two.saw('"kind":1059'), 'the other connection reads as that key')
  }),
  rule('nip42-not-stored', 'an AUTH event is not stored', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    await client.auth(author)
    same(await client.ids({ authors: [author.pubkey] }), [], 'what is served')
  }),
  rule('nip42-not-broadcast', 'an AUTH event reaches nobody', async (g) => {
    const [client, listener, author] = [await g.connect(), await g.connect(), g.author()]
    const live = await listener.subscribe({ authors: [author.pubkey] })
    await client.auth(author)
    const last = author.sign()
    await client.store(last)
    await live.hears(last.id)
    same(live.ids(), [last.id], 'what was heard')
  }),
  rule('nip42-event', 'kind 22242 as an EVENT is refused, and reaches nobody', async (g) => {
    const [client, listener, author] = [await g.connect(), await g.connect(), g.author()]
    const live = await listener.subscribe({ authors: [author.pubkey] })
    await client.refuses(author.sign({ kind: AUTH_KIND, tags: await authTags(client) }))
    const last = author.sign()
    await client.store(last)
    await live.hears(last.id)
    same(live.ids(), [last.id], 'what was heard')
  }),
  rule('nip42-malformed', 'an AUTH that holds no event ends nothing', async (g) => {
    const client = await g.connect()
    for (const nothing of [undefined, null, 'challenge', {}]) client.send('AUTH', nothing)
    await client.store(g.author().sign())
  }),
  rule(
    'nip42-public-url',
    'an AUTH for the URL by which clients know the relay passes, whatever its address',
    async (g) => {
      const client = await g.connect()
      const { accepted, reason } = await client.auth(g.author(), { relay: g.own().publicUrl })
      expect(accepted, `refused: ${shown(reason)}`)
    },
    'named',
  ),
  rule(
    'nip42-public-url-other',
    'an AUTH for another URL that only looks like it fails',
    async (g) => {
      const client = await g.connect()
      const { accepted } = await client.auth(g.author(), { relay: 'wss://conformance.example.attacker.example/relay' })
      expect(!accepted, 'accepted')
    },
    'named',
  ),
]
