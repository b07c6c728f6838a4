import { createHash } from 'node:crypto'
import { freshHex } from './author.js'
import type { Author, Signed, Template } from './author.js'
import { fetchDocument, httpAsk, httpUrl } from './document.js'
import type { Ground } from './ground.js'
import { expect, rule, same, sameSet, shown } from './rule.js'
import type { Rule } from './rule.js'

/** NIP-86 behind NIP-98: admins manage the relay over HTTP. */

const RPC_TYPE = 'application/nostr+json+rpc'
const HTTP_AUTH = 27_235
const TIMEOUT_MS = 5_000

interface Said {
  readonly status: number
  readonly result: unknown
  readonly error: unknown
}

interface Over {
  readonly by?: Author
  /** Of what is signed. */
  readonly template?: Partial<Template>
  readonly tags?: (tags: string[][]) => string[][]
  readonly event?: (event: Signed) => Signed
  /** The header as it is sent. */
  readonly header?: (header: string) => string | undefined
  readonly body?: string
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

const call = async (g: Ground, method: string, params: readonly unknown[] = [], over: Over = {}): Promise<Said> => {
  const signedBody = JSON.stringify({ method, params })
  const tags = [
    ['u', httpUrl(g.url)],
    ['method', 'POST'],
    ['payload', sha256(signedBody)],
    // Two calls of the same second are two events.
    ['x', freshHex()],
  ]
  const template = { kind: HTTP_AUTH, tags: over.tags?.(tags) ?? tags, ...over.template }
  const signed = (over.by ?? g.own().keys.admin).sign(template)
  const event = over.event?.(signed) ?? signed
  const base64 = Buffer.from(JSON.stringify(event)).toString('base64')
  const header = over.header === undefined ? `Nostr ${base64}` : over.header(`Nostr ${base64}`)
  const headers = { 'content-type': RPC_TYPE, ...(header === undefined ? {} : { authorization: header }) }
  const { status, text } = await httpAsk(g.url, { method: 'POST', headers, body: over.body ?? signedBody }, TIMEOUT_MS)
  try {
    const { result, error } = JSON.parse(text) as Partial<Said>
    return { status, result, error }
  } catch {
    return { status, result: undefined, error: text }
  }
}

const done = async (g: Ground, method: string, params: readonly unknown[] = []): Promise<unknown> => {
  const { status, result, error } = await call(g, method, params)
  expect(status === 200 && error === undefined, `${method}: status ${status}, ${shown(String(error))}`)
  return result
}

/** Turned away before anything is done. */
const turnedAway =
  (over: (g: Ground) => Over, status: number | undefined = 401) =>
  async (g: Ground): Promise<void> => {
    const { pubkey } = g.author()
    const said = await call(g, 'banpubkey', [pubkey], over(g))
    same(said.status, status, 'the status')
    expect(said.result === undefined, 'it was done')
    const banned = (await done(g, 'listbannedpubkeys')) as { pubkey: string }[]
    expect(!banned.some((entry) => entry.pubkey === pubkey), 'it was done')
  }

const without = (name: string) => (tags: string[][]) => tags.filter(([tag]) => tag !== name)
const changed = (name: string, value: string) => (tags: string[][]) => [...without(name)(tags), [name, value]]

const of = (id: string, what: string, check: (g: Ground) => Promise<void>): Rule => rule(id, what, check, 'managed')

export const RULES: readonly Rule[] = [
  of('nip86-supportedmethods', 'supportedmethods lists what can be asked', async (g) => {
    const methods = await done(g, 'supportedmethods')
    expect(Array.isArray(methods), shown(JSON.stringify(methods)))
    const wanted = ['banpubkey', 'unbanpubkey', 'listbannedpubkeys', 'allowpubkey', 'banevent', 'listbannedevents']
    sameSet(
      wanted.filter((method) => !methods.includes(method)),
      [],
      'methods that are missing',
    )
  }),
  of('nip86-banpubkey', 'the events of a banned key are refused with blocked:, and served no more', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const event = author.sign()
    await client.store(event)
    same(await done(g, 'banpubkey', [author.pubkey, 'spam']), true, 'the result')
    await client.refuses(author.sign({ content: 'later' }), 'blocked')
    same(await client.ids({ authors: [author.pubkey] }), [], 'what is served')
  }),
  of('nip86-unbanpubkey', 'a key that is banned no more may write again', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    await done(g, 'banpubkey', [author.pubkey])
    await client.refuses(author.sign(), 'blocked')
    same(await done(g, 'unbanpubkey', [author.pubkey]), true, 'the result')
    await client.store(author.sign({ content: 'again' }))
  }),
  of('nip86-listbannedpubkeys', 'banned keys are listed with their reasons', async (g) => {
    const { pubkey } = g.author()
    await done(g, 'banpubkey', [pubkey, 'a reason'])
    const banned = (await done(g, 'listbannedpubkeys')) as { pubkey: string }[]
    same(
      banned.filter((entry) => entry.pubkey === pubkey),
      [{ pubkey, reason: 'a reason' }],
      'the entry',
    )
  }),
  of('nip86-banevent', 'a banned event is served no more, and refused with blocked: when it comes again', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const [bad, good] = [author.sign({ content: 'bad' }), author.sign({ content: 'good' })]
    await client.store(bad, good)
    same(await done(g, 'banevent', [bad.id, 'illegal']), true, 'the result')
    same(await client.ids({ authors: [author.pubkey] }), [good.id], 'what is served')
    await client.refuses(bad, 'blocked')
    const banned = (await done(g, 'listbannedevents')) as { id: string }[]
    expect(
      banned.some(({ id }) => id === bad.id),
      'it is not listed',
    )
  }),
  of('nip86-banevent-before', 'an event that was banned before it came is refused with blocked:', async (g) => {
    const [client, event] = [await g.connect(), g.author().sign()]
    await done(g, 'banevent', [event.id])
    await client.refuses(event, 'blocked')
  }),
  of('nip86-allowevent', 'an event that is allowed again is taken', async (g) => {
    const [client, event] = [await g.connect(), g.author().sign()]
    await done(g, 'banevent', [event.id])
    same(await done(g, 'allowevent', [event.id]), true, 'the result')
    await client.store(event)
  }),
  rule(
    'nip86-allowpubkey',
    'on a relay with an allowlist, a key that is allowed may write, and one that is not any more may not',
    async (g) => {
      const [client, author] = [await g.connect(), g.author()]
      await client.auth(author)
      await client.refuses(author.sign(), 'restricted')
      await done(g, 'allowpubkey', [author.pubkey])
      await client.store(author.sign({ content: 'allowed' }))
      const allowed = (await done(g, 'listallowedpubkeys')) as { pubkey: string }[]
      expect(
        allowed.some(({ pubkey }) => pubkey === author.pubkey),
        'it is not listed',
      )
      await done(g, 'unallowpubkey', [author.pubkey])
      await client.refuses(author.sign({ content: 'not any more' }), 'restricted')
    },
    'lists',
  ),
  of('nip86-changerelayname', 'a new name stands in the document', async (g) => {
    const name = g.author().pubkey.slice(0, 16)
    same(await done(g, 'changerelayname', [name]), true, 'the result')
    same((await fetchDocument(g.url, TIMEOUT_MS))?.name, name, 'the name')
  }),
  of('nip86-unknown-method', 'a method that nobody knows gets an error, and no result', async (g) => {
    const { result, error } = await call(g, 'makecoffee')
    expect(result === undefined && typeof error === 'string' && error !== '', shown(JSON.stringify({ result, error })))
  }),
  of('nip86-wrong-params', 'parameters that are none get an error, and no result', async (g) => {
    for (const params of [[], ['xyz'], [5], [null], [g.author().pubkey.toUpperCase()]]) {
      const { result, error } = await call(g, 'banpubkey', params)
      expect(result === undefined && typeof error === 'string', shown(JSON.stringify({ params, result, error })))
    }
  }),
  of('nip86-wrong-body', 'a body that is no call is refused, and the relay goes on', async (g) => {
    for (const body of ['', '{', '[]', '{"method":5}', 'null']) {
      const { status, result } = await call(g, 'supportedmethods', [], {
        body,
        tags: changed('payload', sha256(body)),
      })
      expect(status >= 400 || result === undefined, `${shown(body)}: status ${status}`)
    }
    await done(g, 'supportedmethods')
  }),
  of(
    'nip86-unauthorised',
    'without Authorization the answer is 401',
    turnedAway(() => ({ header: () => undefined })),
  ),
  of(
    'nip86-not-an-admin',
    'a key that is no admin’s is turned away',
    turnedAway((g) => ({ by: g.author() }), 403),
  ),
  rule('relay-management-off', 'where nobody is an admin, nobody manages the relay', async (g) => {
    const { status, result } = await call(g, 'supportedmethods', [], { by: g.author() })
    expect(status >= 400 && result === undefined, `status ${status}`)
  }),

  of(
    'nip98-scheme',
    'another scheme of Authorization than Nostr is turned away',
    turnedAway(() => ({ header: (h) => h.replace('Nostr', 'Bearer') })),
  ),
  of(
    'nip98-no-event',
    'an Authorization that holds no event is turned away',
    turnedAway(() => ({ header: () => 'Nostr bm90IGFuIGV2ZW50' })),
  ),
  of(
    'nip98-kind',
    'an Authorization of another kind than 27235 is turned away',
    turnedAway(() => ({ template: { kind: 1 } })),
  ),
  of(
    'nip98-old',
    'one whose created_at is two minutes old is turned away',
    turnedAway((g) => ({ template: { created_at: g.now() - 120 } })),
  ),
  of(
    'nip98-future',
    'one whose created_at is two minutes ahead is turned away',
    turnedAway((g) => ({ template: { created_at: g.now() + 120 } })),
  ),
  of(
    'nip98-u',
    'one for the URL of another relay is turned away',
    turnedAway(() => ({ tags: changed('u', 'https://elsewhere.example/') })),
  ),
  of(
    'nip98-no-u',
    'one without a URL is turned away',
    turnedAway(() => ({ tags: without('u') })),
  ),
  of(
    'nip98-u-query',
    'one for the own URL with a query that was not asked is turned away',
    turnedAway((g) => ({ tags: changed('u', `${httpUrl(g.url)}/?x=1`) })),
  ),
  of(
    'nip98-method',
    'one for another HTTP method is turned away',
    turnedAway(() => ({ tags: changed('method', 'GET') })),
  ),
  of(
    'nip98-no-method',
    'one without an HTTP method is turned away',
    turnedAway(() => ({ tags: without('method') })),
  ),
  of(
    'nip98-payload',
    'one whose payload is not the hash of the body is turned away',
    turnedAway(() => ({ tags: changed('payload', sha256('')) })),
  ),
  of(
    'nip98-no-payload',
    'one without a payload is turned away: NIP-86 requires it',
    turnedAway(() => ({ tags: without('payload') })),
  ),
  of(
    'nip98-signature',
    'one whose signature does not hold is turned away',
    turnedAway((g) => ({ event: (event) => ({ ...event, sig: g.author().sign().sig }) })),
  ),
  of(
    'nip98-id',
    'one whose id is not the hash is turned away',
    turnedAway((g) => ({ event: (event) => ({ ...event, created_at: g.now() + 1 }) })),
  ),
  of(
    'nip98-forged-key',
    'the key of an admin on the signature of another is turned away',
    turnedAway((g) => ({ by: g.author(), event: (event) => ({ ...event, pubkey: g.own().keys.admin.pubkey }) })),
  ),
  of('nip98-once', 'an Authorization that was used works no second time', async (g) => {
    const { pubkey } = g.author()
    let header = ''
    const keep = (text: string): string => (header = text)
    same((await call(g, 'banpubkey', [pubkey], { header: keep })).status, 200, 'the first status')
    await done(g, 'unbanpubkey', [pubkey])
    same((await call(g, 'banpubkey', [pubkey], { header: () => header })).status, 401, 'the second status')
  }),
  of(
    'nip98-not-an-event',
    'kind 27235 of an admin as an EVENT, or as AUTH, manages nothing and opens nothing',
    async (g) => {
      const [client, { admin }] = [await g.connect(), g.own().keys]
      const tags = [
        ['relay', g.url],
        ['challenge', await client.challenge()],
        ['u', httpUrl(g.url)],
      ]
      const { accepted } = await client.authWith(admin.sign({ kind: HTTP_AUTH, tags }))
      expect(!accepted, 'it was taken for an AUTH')
    },
  ),
]
