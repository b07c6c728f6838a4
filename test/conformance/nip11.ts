import type { Signed } from './author.js'
import type { Client } from './client.js'
import { httpAsk, limitOf, NIP11_TYPE } from './document.js'
import type { HttpAnswer } from './document.js'
import type { Ground } from './ground.js'
import { manyEvents } from './many.js'
import { advice, expect, NotApplicable, rule, same, shown } from './rule.js'
import type { Rule } from './rule.js'

/** NIP-11: what the relay says of itself, and that it is true. */

const TIMEOUT_MS = 5_000
const ask = (g: Ground, init: RequestInit = { headers: { accept: NIP11_TYPE } }): Promise<HttpAnswer> =>
  httpAsk(g.url, init, TIMEOUT_MS)

const documentOf = async (g: Ground): Promise<Record<string, unknown>> => {
  const { text } = await ask(g)
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    expect(false, `no JSON: ${shown(text)}`)
  }
}

const cors = (header: string, init?: RequestInit) => async (g: Ground) => {
  const { headers } = await ask(g, init)
  expect((headers.get(header) ?? '') !== '', `no ${header}`)
}

const PREFLIGHT: RequestInit = {
  method: 'OPTIONS',
  headers: { origin: 'https://client.example', 'access-control-request-method': 'GET' },
}

/** A number that the document says, where it is small enough to be tried. */
const said = (g: Ground, name: string, max: number): number => {
  const limit = limitOf(g.document, name)
  if (limit === undefined) throw new NotApplicable(`the document says no ${name}`)
  if (limit > max) throw new NotApplicable(`${name} is ${limit}: too much to try`)
  return limit
}

const MAX_BYTES = 4 * 1024 * 1024
const MAX_TRIED = 10_000
const DAY_SEC = 86_400
/** On somebody else's relay, which keeps them. */
const MAX_EVENTS = 600
const MAX_OWN_EVENTS = 6_000
const AT_ONCE = 500

const storeMany = async (client: Client, events: readonly Signed[]): Promise<void> => {
  for (let from = 0; from < events.length; from += AT_ONCE) {
    const left = new Set(events.slice(from, from + AT_ONCE).map(({ id }) => id))
    for (const event of events.slice(from, from + AT_ONCE)) client.send('EVENT', event)
    await client.wait('OKs', (f) => f[0] === 'OK' && f[2] === true && left.delete(String(f[1])) && left.size === 0)
  }
}

/** Not taken: OK false, NOTICE, or the connection ends. */
const isTurnedAway = async (client: Client, g: Ground, text: string, id: string): Promise<void> => {
  client.sendText(text)
  const answered = client.wait('answer', (f) => (f[0] === 'OK' && f[1] === id) || f[0] === 'NOTICE')
  const frame = await Promise.race([answered, client.closed.then(() => undefined)]).catch(() => undefined)
  expect(frame?.[0] !== 'OK' || frame[2] === false, 'it was taken')
  const reader = await g.connect()
  same(await reader.ids({ ids: [id] }), [], 'stored all the same')
}

export const RULES: readonly Rule[] = [
  rule(
    'nip11-document',
    'the document is JSON with the type application/nostr+json, at the relay’s own address',
    async (g) => {
      const { status, headers } = await ask(g)
      same(status, 200, 'the status')
      const type = headers.get('content-type') ?? ''
      expect(type.startsWith(NIP11_TYPE), `the type is ${shown(type)}`)
      await documentOf(g)
    },
  ),
  rule('nip11-accept-list', 'the document is given where its type is one of several that are accepted', async (g) => {
    const { text } = await ask(g, { headers: { accept: `text/html;q=0.5, ${NIP11_TYPE};q=0.9` } })
    expect(text.startsWith('{'), `no document: ${shown(text)}`)
  }),
  rule('nip11-cors-origin', 'the document has Access-Control-Allow-Origin', cors('access-control-allow-origin')),
  rule('nip11-cors-headers', 'the document has Access-Control-Allow-Headers', cors('access-control-allow-headers')),
  rule('nip11-cors-methods', 'the document has Access-Control-Allow-Methods', cors('access-control-allow-methods')),
  rule('nip11-cors-preflight', 'a preflight request gets all three CORS headers', async (g) => {
    const { status } = await ask(g, PREFLIGHT)
    expect(status < 300, `the status is ${status}`)
    for (const of of ['origin', 'headers', 'methods']) await cors(`access-control-allow-${of}`, PREFLIGHT)(g)
  }),
  advice('nip11-not-for-browsers', 'who does not ask for the document gets something else', async (g) => {
    const { headers } = await ask(g, { headers: { accept: 'text/html' } })
    expect(!(headers.get('content-type') ?? '').startsWith(NIP11_TYPE), 'the document')
  }),
  rule('nip11-types', 'every member that NIP-11 names has the type that it names', async (g) => {
    const document = await documentOf(g)
    for (const name of ['name', 'description', 'contact', 'pubkey', 'self', 'software', 'version', 'icon', 'banner']) {
      expect(['string', 'undefined'].includes(typeof document[name]), `${name} is no text`)
    }
  }),
  rule('nip11-supported-nips', 'supported_nips is a list of whole numbers, each once, with 1 and 11', async (g) => {
    const { supported_nips: nips } = await documentOf(g)
    expect(
      Array.isArray(nips) && nips.every((nip) => Number.isSafeInteger(nip)),
      `it is ${shown(JSON.stringify(nips))}`,
    )
    same(new Set(nips).size, nips.length, 'different numbers')
    expect(nips.includes(1) && nips.includes(11), '1 or 11 is missing')
  }),
  rule('nip11-limitation-types', 'limitation holds numbers and truth values where NIP-11 says so', async (g) => {
    const { limitation = {} } = await documentOf(g)
    for (const [name, value] of Object.entries(limitation as object)) {
      const isSwitch = ['auth_required', 'payment_required', 'restricted_writes'].includes(name)
      if (isSwitch) expect(typeof value === 'boolean', `${name} is no truth value`)
      else if (/^(max|min|created_at|default)_/.test(name)) expect(typeof value === 'number', `${name} is no number`)
    }
  }),

  rule('nip11-max-message-length', 'a message longer than max_message_length is not taken', async (g) => {
    const [max, client] = [said(g, 'max_message_length', MAX_BYTES), await g.connect()]
    const event = g.author().sign()
    const text = JSON.stringify(['EVENT', event])
    await isTurnedAway(client, g, text + ' '.repeat(Math.max(0, max + 1 - text.length)), event.id)
  }),
  rule('nip11-max-message-length-fits', 'a message of just max_message_length is taken', async (g) => {
    const [max, client] = [said(g, 'max_message_length', MAX_BYTES), await g.connect()]
    const event = g.author().sign()
    const text = JSON.stringify(['EVENT', event])
    client.sendText(text + ' '.repeat(Math.max(0, max - text.length)))
    const frame = await client.wait('OK', (f) => f[0] === 'OK' && f[1] === event.id)
    expect(frame[2] === true, `refused: ${String(frame[3])}`)
  }),
  rule('nip11-max-content-length', 'a content longer than max_content_length is refused', async (g) => {
    const max = said(g, 'max_content_length', MAX_BYTES)
    const client = await g.connect()
    await client.refuses(g.author().sign({ content: 'x'.repeat(max + 1) }))
  }),
  rule(
    'nip11-max-content-length-fits',
    'a content of just max_content_length, counted in characters, is taken',
    async (g) => {
      const max = said(g, 'max_content_length', MAX_BYTES)
      const bytes = limitOf(g.document, 'max_message_length') ?? MAX_BYTES
      const client = await g.connect()
      await client.store(g.author().sign({ content: 'x'.repeat(Math.min(max, bytes - 1_000)) }))
    },
  ),
  rule('nip11-max-event-tags', 'more tags than max_event_tags are refused', async (g) => {
    const max = said(g, 'max_event_tags', MAX_TRIED)
    const client = await g.connect()
    await client.refuses(g.author().sign({ tags: Array.from({ length: max + 1 }, () => ['x']) }))
  }),
  rule('nip11-max-event-tags-fits', 'just max_event_tags tags are taken', async (g) => {
    const max = said(g, 'max_event_tags', MAX_TRIED)
    const client = await g.connect()
    await client.store(g.author().sign({ tags: Array.from({ length: max }, () => ['x']) }))
  }),
  rule('nip11-max-subid-length', 'a subscription id longer than max_subid_length is refused', async (g) => {
    const max = said(g, 'max_subid_length', 1_000)
    const client = await g.connect()
    client.send('REQ', 'x'.repeat(max + 1), { kinds: [1], limit: 1 })
    await client.wait('CLOSED or NOTICE', (f) => f[0] === 'CLOSED' || f[0] === 'NOTICE')
  }),
  rule('nip11-max-subscriptions', 'one subscription more than max_subscriptions gets CLOSED', async (g) => {
    const [max, client, author] = [said(g, 'max_subscriptions', 500), await g.connect(), g.author()]
    for (let n = 0; n < max; n++) client.send('REQ', `s${n}`, { authors: [author.pubkey] })
    client.send('REQ', 'more', { authors: [author.pubkey] })
    const frame = await client.wait('answer', (f) => f[1] === 'more')
    same(frame[0], 'CLOSED', 'the answer')
    // The refusal needs no look at what is stored, so it may come first.
    const opened = (): number => client.heard.filter((f) => f[0] === 'EOSE').length
    await client.until(`EOSE for all ${max}`, () => (opened() === max ? true : undefined))
    client.send('CLOSE', 's0')
    await client.subscribe({ authors: [author.pubkey] })
  }),
  rule(
    'nip11-max-limit',
    'no answer has more than max_limit events, nor more than default_limit where no limit is asked for',
    async (g) => {
      const most = g.isOwn ? MAX_OWN_EVENTS : MAX_EVENTS
      const [max, standard] = [said(g, 'max_limit', most), limitOf(g.document, 'default_limit')]
      const [client, events] = [await g.connect(), await manyEvents(max + 5, 1_700_000_000)]
      await storeMany(client, events)
      const authors = [events[0]?.pubkey]
      const { events: sent } = await client.ask({ authors, limit: max + 5 })
      same([sent.length, sent[0]?.id], [max, events.at(-1)?.id], 'events, and the first of them')
      if (standard !== undefined) same((await client.ask({ authors })).events.length, standard, 'without a limit')
    },
  ),
  rule('nip11-created-at-upper', 'a created_at beyond created_at_upper_limit is refused with invalid:', async (g) => {
    const max = said(g, 'created_at_upper_limit', 1e9)
    const client = await g.connect()
    await client.refuses(g.author().sign({ created_at: g.now() + max + 60 }), 'invalid')
  }),
  rule('nip11-created-at-upper-fits', 'a created_at within created_at_upper_limit is taken', async (g) => {
    const max = said(g, 'created_at_upper_limit', 1e9)
    const client = await g.connect()
    await client.store(g.author().sign({ created_at: g.now() + Math.max(0, max - 60) }))
  }),
  rule(
    'nip11-created-at-lower',
    'where no created_at_lower_limit is said, an event of 2010 is taken; else none before it',
    async (g) => {
      const client = await g.connect()
      const min = limitOf(g.document, 'created_at_lower_limit')
      if (min === undefined) await client.store(g.author().sign({ created_at: 1_262_304_000 }))
      else await client.refuses(g.author().sign({ created_at: g.now() - min - DAY_SEC }))
    },
  ),
  rule('nip11-auth-required', 'where auth_required is false, somebody unknown gets an answer', async (g) => {
    if (g.document?.limitation?.['auth_required'] === true) throw new NotApplicable('it is true')
    const client = await g.connect()
    await client.ids({ kinds: [1], limit: 1 })
  }),
  rule('nip11-restricted-writes', 'where restricted_writes is false, somebody unknown may write', async (g) => {
    if (g.document?.limitation?.['restricted_writes'] === true) throw new NotApplicable('it is true')
    const client = await g.connect()
    await client.store(g.author().sign())
  }),
  rule(
    'nip11-lists-told',
    'a relay with allowlists says auth_required and restricted_writes',
    (g) => {
      const { limitation } = g.document ?? {}
      same([limitation?.['auth_required'], limitation?.['restricted_writes']], [true, true], 'what is said')
      return Promise.resolve()
    },
    'lists',
  ),
]
