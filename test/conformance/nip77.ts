import type { Author, Signed } from './author.js'
import type { Client } from './client.js'
import type { Ground } from './ground.js'
import { expect, rule, same, sameSet, shown } from './rule.js'
import type { Rule } from './rule.js'
import { compare, firstMessage, need, negAnswers } from './sync.js'

/** NIP-77: what one side has and the other has not. */

const T = 1_700_000_000
/** More than a client needs. */
const MANY = 60

const notes = (author: Author, count: number, name = ''): Signed[] =>
  Array.from({ length: count }, (_, i) => author.sign({ created_at: T + (i % 7), content: `${name} ${i}` }))

const ids = (events: readonly Signed[]): string[] => events.map(({ id }) => id)

const storeAll = async (client: Client, events: readonly Signed[]): Promise<void> => {
  const before = client.heard.length
  for (const event of events) client.send('EVENT', event)
  const oks = (): number => client.heard.slice(before).filter((f) => f[0] === 'OK' && f[2] === true).length
  await client.until('OKs', () => (oks() >= events.length ? true : undefined))
}

/** Some that both have, some that only one has. */
const difference = (both: number, theirs: number, ours: number) => async (g: Ground) => {
  const [client, author] = [await g.connect(), g.author()]
  const [shared, onlyRelay, onlyUs] = [
    notes(author, both),
    notes(author, theirs, 'theirs'),
    notes(author, ours, 'ours'),
  ]
  await storeAll(client, [...shared, ...onlyRelay])
  const filter = { authors: [author.pubkey], kinds: [1] }
  const compared = await compare(client, filter, [...shared, ...onlyUs])
  expect(compared.refusal === undefined, `refused: ${shown(compared.refusal)}`)
  sameSet(compared.need, ids(onlyRelay), 'what the relay has')
  sameSet(compared.have, ids(onlyUs), 'what the relay lacks')
}

const leftOut = (make: (client: Client, author: Author, g: Ground) => Promise<void>) => async (g: Ground) => {
  const [client, author] = [await g.connect(), g.author()]
  await make(client, author, g)
  same(await need(client, { authors: [author.pubkey], kinds: [1, 10_002, 20_001] }), [], 'what the relay says it has')
}

/** The answer to a NEG-OPEN that is sent as it stands. */
const answerTo = async (client: Client, filter: unknown, message: unknown): Promise<readonly unknown[]> => {
  const id = client.freshId()
  client.send('NEG-OPEN', id, filter, message)
  return client.until('NEG-MSG or NEG-ERR', () => negAnswers(client, id)[0])
}

const isRefused = (filter: unknown, message: unknown) => async (g: Ground) => {
  const frame = await answerTo(await g.connect(), filter, message)
  expect(frame[0] === 'NEG-ERR', `answered ${shown(JSON.stringify(frame))}`)
  expect(/^[a-z-]+: \S/.test(String(frame[2])), `the reason has no prefix: ${shown(String(frame[2]))}`)
}

export const RULES: readonly Rule[] = [
  rule('nip77-need', 'who has nothing learns what the relay has', difference(0, 5, 0)),
  rule('nip77-have', 'a relay that has nothing is told apart', difference(0, 0, 5)),
  rule('nip77-both', 'both differences are found at once', difference(20, 3, 4)),
  rule('nip77-equal', 'where both have the same nothing is found', difference(40, 0, 0)),
  rule('nip77-large', 'among hundreds the few that differ are found', difference(300, 3, 3)),
  rule('nip77-none', 'where both have nothing it ends at once', difference(0, 0, 0)),
  rule('nip77-converges', 'when each has taken what it lacked, nothing is left', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const [theirs, ours] = [notes(author, 6, 'theirs'), notes(author, 6, 'ours')]
    await storeAll(client, theirs)
    const filter = { authors: [author.pubkey] }
    const first = await compare(client, filter, ours)
    await storeAll(
      client,
      ours.filter(({ id }) => first.have.includes(id)),
    )
    const fetched = theirs.filter(({ id }) => first.need.includes(id))
    const second = await compare(client, filter, [...ours, ...fetched])
    same([second.have, second.need], [[], []], 'what is left')
  }),
  rule('nip77-filter', 'what the filter does not ask for is not compared', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const events = [0, 10, 20].map((second) => author.sign({ created_at: T + second }))
    await client.store(...events, author.sign({ kind: 7, created_at: T + 10 }))
    const filter = { authors: [author.pubkey], kinds: [1], since: T + 5, until: T + 15 }
    same(await need(client, filter), [events[1]?.id], 'what is found')
  }),
  ...(['ids', 'authors', 'kinds', '#t'] as const).map((name) =>
    rule(`nip77-empty-${name.replace('#', 'tag-')}`, `an empty ${name} asks for nothing`, async (g) => {
      const [client, author] = [await g.connect(), g.author()]
      await client.store(author.sign({ tags: [['t', 'x']] }))
      same((await compare(client, { authors: [author.pubkey], [name]: [] })).need, [], 'what is found')
    }),
  ),
  rule(
    'nip77-deleted',
    'what is deleted is left out',
    leftOut(async (client, author) => {
      const event = author.sign()
      await client.store(event, author.sign({ kind: 5, tags: [['e', event.id]] }))
    }),
  ),
  rule(
    'nip77-ephemeral',
    'what is ephemeral is left out',
    leftOut(async (client, author) => {
      await client.subscribe({ authors: [author.pubkey] })
      await client.store(author.sign({ kind: 20_001 }))
    }),
  ),
  rule('nip77-replaced', 'of versions the current one is compared', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const [old, current] = [9, 3].map((ago) => author.sign({ kind: 10_002, created_at: g.now() - ago }))
    if (old === undefined || current === undefined) return
    await client.store(old, current)
    same(await need(client, { authors: [author.pubkey] }), [current.id], 'what is found')
  }),
  rule('nip77-private', 'an authenticated peer can sync its private kinds until they are equal', async (g) => {
    const [client, peer] = [await g.connect(), g.author()]
    await client.auth(peer)
    const wraps = [1, 2, 3].map((n) => g.author().sign({ kind: 1059, created_at: T + n, tags: [['p', peer.pubkey]] }))
    await client.store(...wraps)
    const filter = { kinds: [1059], '#p': [peer.pubkey] }
    sameSet(await need(client, filter), ids(wraps), 'what is found')
    const { have, need: rest } = await compare(client, filter, wraps)
    same([have, rest], [[], []], 'what is left')
  }),
  rule('nip77-version', 'a message of another version is answered with the version byte 61 alone', async (g) => {
    const frame = await answerTo(await g.connect(), { authors: [g.author().pubkey] }, '62')
    same([frame[0], frame[2]], ['NEG-MSG', '61'], 'the answer')
  }),
  rule('nip77-message-form', 'messages are lowercase hex and start with 61', async (g) => {
    const frame = await answerTo(await g.connect(), { authors: [g.author().pubkey] }, firstMessage([]))
    expect(frame[0] === 'NEG-MSG' && /^61([0-9a-f]{2})*$/.test(String(frame[2])), shown(JSON.stringify(frame)))
  }),
  rule(
    'nip77-no-hex',
    'a message that is no hex gets NEG-ERR with a prefix',
    isRefused({ kinds: [1], limit: 1 }, 'xyz'),
  ),
  rule(
    'nip77-cut-off',
    'a message that is cut off gets NEG-ERR with a prefix',
    isRefused({ authors: ['0'.repeat(64)] }, '6100000201'),
  ),
  rule(
    'nip77-no-message',
    'a NEG-OPEN without a message gets NEG-ERR with a prefix',
    isRefused({ kinds: [1], limit: 1 }, null),
  ),
  rule(
    'nip77-no-filter',
    'a NEG-OPEN with a filter that is none gets NEG-ERR with a prefix',
    isRefused({ kinds: 'all' }, '6100000200'),
  ),
  rule('nip77-not-open', 'a NEG-MSG for what is not open gets NEG-ERR closed:', async (g) => {
    const client = await g.connect()
    client.send('NEG-MSG', 'never', '6100000200')
    const frame = await client.until('NEG-ERR', () => negAnswers(client, 'never')[0])
    expect(frame[0] === 'NEG-ERR' && String(frame[2]).startsWith('closed: '), shown(JSON.stringify(frame)))
  }),
  rule('nip77-close', 'after NEG-CLOSE a sync is not open', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    client.send('NEG-OPEN', 'one', { authors: [author.pubkey] }, firstMessage([]))
    await client.until('NEG-MSG', () => negAnswers(client, 'one')[0])
    client.send('NEG-CLOSE', 'one')
    client.send('NEG-MSG', 'one', firstMessage([]))
    const frame = await client.until('NEG-ERR', () => negAnswers(client, 'one')[1])
    same(frame[0], 'NEG-ERR', 'the answer')
  }),
  rule('nip77-own-ids', 'the ids of syncs are a space of their own: a REQ of the same id goes on', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const live = await client.subscribe({ authors: [author.pubkey] })
    client.send('NEG-OPEN', live.id, { authors: [author.pubkey] }, firstMessage([]))
    await client.until('NEG-MSG', () => negAnswers(client, live.id)[0])
    client.send('NEG-CLOSE', live.id)
    const event = author.sign()
    await client.store(event)
    await live.hears(event.id)
  }),
  rule('nip77-again', 'a NEG-OPEN of an id that is open replaces it', async (g) => {
    const [client, alice, bob] = [await g.connect(), g.author(), g.author()]
    const [ofAlice, ofBob] = [alice.sign(), bob.sign()]
    await client.store(ofAlice, ofBob)
    for (const [n, author] of [alice, bob].entries()) {
      client.send('NEG-OPEN', 'same', { authors: [author.pubkey] }, firstMessage([]))
      await client.until('NEG-MSG', () => negAnswers(client, 'same')[n])
    }
    const answer = String(negAnswers(client, 'same')[1]?.[2])
    expect(answer.includes(ofBob.id) && !answer.includes(ofAlice.id), 'it is the old one that was answered')
  }),
  rule('nip77-several', 'several syncs may be open at once', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const event = author.sign()
    await client.store(event)
    const found = await Promise.all([1, 2, 3].map(() => need(client, { authors: [author.pubkey] })))
    same(found, [[event.id], [event.id], [event.id]], 'what is found')
  }),
  rule(
    'nip77-blocked',
    'more syncs at once than a relay bears are refused with blocked:, not left without an answer',
    async (g) => {
      const [client, author] = [await g.connect(), g.author()]
      const names = Array.from({ length: MANY }, (_, n) => `many ${n}`)
      for (const name of names) client.send('NEG-OPEN', name, { authors: [author.pubkey] }, firstMessage([]))
      for (const name of names) {
        const frame = await client.until('NEG-MSG or NEG-ERR', () => negAnswers(client, name)[0])
        expect(
          frame[0] === 'NEG-MSG' || /^(blocked|rate-limited): /.test(String(frame[2])),
          shown(JSON.stringify(frame)),
        )
      }
    },
  ),
]
