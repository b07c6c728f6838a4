import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type Relay, type RelayOptions } from '../../../relay/index.js'
import { METHOD_NAMES } from '../../../relay/manage/methods.js'
import type { EventTemplate, NostrEvent, UnixMs, UnixSec } from '../../../src/core/types.js'
import { openEngine } from '../../../src/crypto/engine.js'
import type { Log } from '../../../src/ports.js'
import { ids, testFolder } from '../../support/relay-store.js'
import { authorOf, type Author } from '../../support/signed.js'
import { testRelays } from '../../support/test-relays.js'

/** NIP-86 behind NIP-98, over real HTTP. */

const NOW = 1_800_000_000
const RPC = 'application/nostr+json+rpc'
let admin: Author
let alice: Author
let bob: Author
const relays = testRelays(NOW)
const { connect } = relays
const logged: [event: string, fields: unknown][] = []
const newFolder = testFolder()

beforeAll(async () => {
  const engine = await openEngine()
  ;[admin, alice, bob] = [authorOf(engine, 'admin'), authorOf(engine, 'alice'), authorOf(engine, 'bob')]
})
afterEach(() => {
  logged.length = 0
})

const fileOf = (...keys: string[]): string => {
  const file = `${newFolder()}/keys`
  writeFileSync(file, keys.join('\n'))
  return file
}

const start = (over: Partial<RelayOptions> = {}): Promise<Relay> => {
  const note = (event: string, fields?: unknown): void => void logged.push([event, fields])
  const log: Log = { debug: () => undefined, info: note, warn: note, error: note }
  return relays.start({ log, admin: fileOf(admin.pubkey), ...over })
}
const note = (by: Author, content = 'x', kind = 1): NostrEvent => by.sign({ kind, content, created_at: NOW as UnixSec })

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const tokenFor = (url: string, body: string, over: Partial<EventTemplate> = {}, by = admin): NostrEvent =>
  by.sign({
    kind: 27_235,
    created_at: NOW as UnixSec,
    tags: [
      ['u', url],
      ['method', 'POST'],
      ['payload', sha256(body)],
    ],
    ...over,
  })

interface Said {
  readonly status: number
  readonly headers: Headers
  readonly result?: unknown
  readonly error?: unknown
}
const post = async (relay: Relay, body: string, token: unknown, type = RPC, path = ''): Promise<Said> => {
  const authorization = token === undefined ? {} : { authorization: `Nostr ${btoa(JSON.stringify(token))}` }
  const response = await fetch(relay.url.replace('ws', 'http') + path, {
    method: 'POST',
    headers: { 'content-type': type, ...authorization },
    body,
  })
  const text = await response.text()
  const answer = (text.startsWith('{') ? JSON.parse(text) : { error: text }) as { result?: unknown; error?: unknown }
  return { status: response.status, headers: response.headers, ...answer }
}
let calls = 0
const call = async (relay: Relay, method: string, ...params: unknown[]): Promise<unknown> => {
  const body = JSON.stringify({ method, params })
  // Each call is an event of its own, also within one second.
  const said = await post(relay, body, tokenFor(relay.url, body, { content: `${++calls}` }))
  expect(said.status).toBe(200)
  return said.error === undefined ? said.result : { error: said.error }
}

describe('who may manage', () => {
  const body = JSON.stringify({ method: 'supportedmethods', params: [] })

  it('is whoever stands in the file, and proves it by an event for this URL and this body', async () => {
    const relay = await start()

    const said = await post(relay, body, tokenFor(relay.url, body))

    expect(said.status).toBe(200)
    expect(said.result).toEqual(METHOD_NAMES)
    expect(said.headers.get('access-control-allow-origin')).toBe('*')
  })

  it('may name the URL as HTTP has it, or by the public one', async () => {
    const relay = await start({ publicUrls: ['wss://relay.example/'] })

    const asHttp = await post(relay, body, tokenFor(relay.url.replace('ws', 'http'), body))
    const asPublic = await post(relay, body, tokenFor('https://relay.example', body))

    expect([asHttp.status, asPublic.status]).toEqual([200, 200])
  })

  it('needs an event of the right kind, time, URL, method, payload and signature: else 401, and nothing is done', async () => {
    const relay = await start()
    const own = relay.url
    const tags = (u: string, method = 'POST', payload: string[] = [sha256(body)]): string[][] => [
      ['u', u],
      ['method', method],
      ['payload', ...payload],
    ]
    const good = tokenFor(own, body)
    const wrong: [string, unknown][] = [
      ['nothing', undefined],
      ['no event', { kind: 27_235 }],
      ['another kind', tokenFor(own, body, { kind: 22_242 })],
      ['too old', tokenFor(own, body, { created_at: (NOW - 61) as UnixSec })],
      ['from before the start', tokenFor(own, body, { created_at: (NOW - 1) as UnixSec })],
      ['too new', tokenFor(own, body, { created_at: (NOW + 61) as UnixSec })],
      ['another URL', tokenFor(own, body, { tags: tags('wss://other.example') })],
      ['the URL with a query', tokenFor(own, body, { tags: tags(`${own}/?x=1`) })],
      ['no URL', tokenFor(own, body, { tags: tags('') })],
      ['another method', tokenFor(own, body, { tags: tags(own, 'GET') })],
      ['no payload', tokenFor(own, body, { tags: tags(own, 'POST', []) })],
      ['the payload of another body', tokenFor(own, `${body} `)],
      ['another id', { ...good, content: 'x' }],
      ['the signature of another event', { ...good, sig: tokenFor(own, body, { content: '1' }).sig }],
    ]

    for (const [what, token] of wrong) {
      const said = await post(relay, body, token)
      expect([what, said.status, said.result]).toEqual([what, 401, undefined])
      expect(said.headers.get('www-authenticate'), what).toBe('Nostr')
    }
    const scheme = await fetch(own.replace('ws', 'http'), {
      method: 'POST',
      headers: { 'content-type': RPC, authorization: `Bearer ${btoa(JSON.stringify(good))}` },
      body,
    })
    expect(scheme.status).toBe(401)
    expect(logged.filter(([event]) => event === 'management-call')).toEqual([])
  })

  it('works once also after a restart, though its date may be later than that', async () => {
    const db = `${newFolder()}/relay.sqlite`
    const at = (sec: number): Partial<RelayOptions> => ({ db, clock: { now: () => (sec * 1000) as UnixMs } })
    const ahead = { created_at: (NOW + 30) as UnixSec }
    const first = await start(at(NOW))
    const { port, url } = first
    const [used, fresh] = [tokenFor(url, body, ahead), tokenFor(url, body, { ...ahead, content: 'another' })]
    expect((await post(first, body, used)).status).toBe(200)
    await first.close()

    const second = await start({ ...at(NOW + 5), port })
    const [again, other] = [await post(second, body, used), await post(second, body, fresh)]

    expect([again.status, again.error]).toEqual([401, 'this event was used already'])
    expect(other.status).toBe(200)
  })

  it('works once: the same event is refused the second time', async () => {
    const relay = await start()
    const token = tokenFor(relay.url, body)

    const first = await post(relay, body, token)
    const second = await post(relay, body, token)

    expect([first.status, second.status]).toEqual([200, 401])
    expect(second.error).toBe('this event was used already')
  })

  it('is nobody else: 403 in the same words for whoever it is', async () => {
    const relay = await start()

    const said = await post(relay, body, tokenFor(relay.url, body, {}, bob))

    expect([said.status, said.error]).toEqual([403, 'this key does not manage this relay'])
  })

  it('follows the file when it changes', async () => {
    const file = fileOf(admin.pubkey)
    const relay = await start({ admin: file })
    writeFileSync(file, bob.pubkey)

    relay.reload()
    const before = await post(relay, body, tokenFor(relay.url, body))
    const now = await post(relay, body, tokenFor(relay.url, body, {}, bob))

    expect([before.status, now.status]).toEqual([403, 200])
  })

  it('is nobody without a file: a POST is 405, and the document does not tell of it', async () => {
    const unmanaged = await relays.start()
    const managed = await start()
    const nipsOf = async (relay: Relay): Promise<number[]> => {
      const response = await fetch(relay.url.replace('ws', 'http'), { headers: { accept: 'application/nostr+json' } })
      return ((await response.json()) as { supported_nips: number[] }).supported_nips
    }

    const said = await post(unmanaged, body, tokenFor(unmanaged.url, body))

    expect(said.status).toBe(405)
    expect(await nipsOf(unmanaged)).not.toContain(86)
    expect(await nipsOf(managed)).toContain(86)
  })

  it('may ask from a web page: the preflight allows the header that proves who asks', async () => {
    const relay = await start()

    const { status, headers } = await fetch(relay.url.replace('ws', 'http'), { method: 'OPTIONS' })

    expect(status).toBe(204)
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('access-control-allow-headers')).toBe('*, authorization')
  })

  it('asks with the content type of NIP-86, at the path of the relay', async () => {
    const relay = await start()

    const otherType = await post(relay, body, tokenFor(relay.url, body), 'application/json')
    const otherPath = await post(relay, body, tokenFor(relay.url, body), RPC, '/elsewhere')

    expect([otherType.status, otherPath.status]).toEqual([405, 405])
    expect(otherType.error).toContain('POST of application/nostr+json+rpc')
  })

  it('leaves a line in the log for each call, with the method and the beginning of the key, and nothing of what it was about', async () => {
    const relay = await start()

    await call(relay, 'banpubkey', bob.pubkey, 'a secret reason')
    await call(relay, 'nosuchmethod', alice.pubkey)

    const lines = logged.filter(([event]) => event.startsWith('management'))
    const by = admin.pubkey.slice(0, 8)
    expect(lines).toEqual([
      ['management-call', { method: 'banpubkey', admin: by, ok: true }],
      ['management-call', { method: 'unknown', admin: by, ok: false }],
    ])
  })
})

describe('a body', () => {
  const statusOf = async (relay: Relay, body: string): Promise<Said> =>
    post(relay, body, tokenFor(relay.url, body, { content: `${++calls}` }))

  it('has a bound in bytes, which who exceeds it gets to hear, in depth and in what it is', async () => {
    const relay = await start()
    const deep = `{"method":"banpubkey","params":${'['.repeat(9)}${']'.repeat(9)}}`

    const long = await statusOf(relay, JSON.stringify({ method: 'banpubkey', params: ['x'.repeat(3_000_000)] }))
    const others = await Promise.all(
      [
        'no JSON',
        '[]',
        'null',
        '{}',
        '{"method":1}',
        '{"method":"x","params":{}}',
        deep,
        `{"method":"${'x'.repeat(100)}"}`,
      ].map((body) => statusOf(relay, body)),
    )

    expect(long.status).toBe(413)
    expect(others.map(({ status }) => status)).toEqual(Array(8).fill(400))
  })

  it('may leave out parameters; a method that nobody knows is an error in the answer', async () => {
    const relay = await start()

    const known = await statusOf(relay, '{"method":"listbannedpubkeys"}')
    const unknown = await statusOf(relay, '{"method":"createrole","params":[]}')
    const inherited = await statusOf(relay, '{"method":"constructor","params":[]}')

    expect([known.status, known.result]).toEqual([200, []])
    expect([unknown.status, inherited.status]).toEqual([200, 200])
    expect([unknown.error, inherited.error]).toEqual(Array(2).fill('there is no such method; ask for supportedmethods'))
  })

  it.each([
    ['banpubkey', ['npub']],
    ['banpubkey', []],
    ['banpubkey', ['A'.repeat(64)]],
    ['banpubkey', ['a'.repeat(64), 'x'.repeat(201)]],
    ['banpubkey', ['a'.repeat(64), 'clear\u001b[2J']],
    ['banevent', [1]],
    ['disallowkind', [-1]],
    ['disallowkind', [65_536]],
    ['disallowkind', ['1']],
    ['blockip', ['300.1.1.1']],
    ['blockip', ['relay.example']],
    ['changerelayname', ['']],
    ['changerelayname', ['x'.repeat(101)]],
    ['changerelayname', [{}]],
  ])('%s with %j is an error, and changes nothing', async (method, params) => {
    const relay = await start()

    const said = await call(relay, method, ...params)

    expect(said).toMatchObject({ error: expect.stringMatching(/^needs /) as string })
    expect(await call(relay, 'listbannedpubkeys')).toEqual([])
  })
})

describe('keys', () => {
  it('that are banned can not write, and what they wrote is not served, until the ban ends', async () => {
    const relay = await start()
    const client = await connect(relay)
    const [old, other] = [note(alice), note(bob)]
    await client.publish(old)
    await client.publish(other)

    await call(relay, 'banpubkey', alice.pubkey, 'spam')
    const listed = await call(relay, 'listbannedpubkeys')
    const refused = await client.publish(note(alice, 'again'))
    const served = ids(await client.stored({}))
    await call(relay, 'unbanpubkey', alice.pubkey)
    const after = await client.publish(note(alice, 'at last'))

    expect(listed).toEqual([{ pubkey: alice.pubkey, reason: 'spam' }])
    expect(refused).toEqual({ accepted: false, reason: 'blocked: this key is banned from this relay' })
    expect(served).toEqual([other.id])
    expect(after.accepted).toBe(true)
    expect(await call(relay, 'listbannedpubkeys')).toEqual([])
  })

  it('that are allowed may write besides those in the file, and a ban wins over both', async () => {
    const relay = await start({ allowWrite: fileOf(bob.pubkey) })
    const client = await connect(relay)
    const byAlice = (): Promise<{ accepted: unknown; reason: unknown }> => client.publish(note(alice, `${++calls}`))

    const before = await byAlice()
    await call(relay, 'allowpubkey', alice.pubkey, 'a friend')
    const allowed = await byAlice()
    const listed = await call(relay, 'listallowedpubkeys')
    await call(relay, 'banpubkey', alice.pubkey)
    await call(relay, 'banpubkey', bob.pubkey)
    const banned = await Promise.all([byAlice(), client.publish(note(bob))])
    const left = await call(relay, 'listallowedpubkeys')
    await call(relay, 'unbanpubkey', alice.pubkey)
    await call(relay, 'unallowpubkey', alice.pubkey)
    const afterwards = await byAlice()

    expect(before.reason).toMatch(/^auth-required:/)
    expect(allowed.accepted).toBe(true)
    expect(listed).toEqual([
      { pubkey: bob.pubkey, reason: 'in the file of --allow-write' },
      { pubkey: alice.pubkey, reason: 'a friend' },
    ])
    expect(banned.map(({ reason }) => reason)).toEqual(Array(2).fill('blocked: this key is banned from this relay'))
    expect(left).toEqual([])
    expect(afterwards.reason).toMatch(/^auth-required:/)
  })

  it('that are banned bring no gift wrap by a throw-away key, and read nothing that a list gives', async () => {
    const files = { allowWrite: fileOf(bob.pubkey), allowRead: fileOf(bob.pubkey) }
    const relay = await start(files)
    const client = await connect(relay, bob)
    const before = await client.publish(note(alice, 'brought by bob'))

    await call(relay, 'banpubkey', bob.pubkey)
    const brought = await client.publish(note(alice, 'brought again'))
    client.send('REQ', 'mine', {})
    const [, , closed] = await client.take('CLOSED', 'mine')

    expect(before.accepted).toBe(true)
    expect(brought.reason).toMatch(/^restricted:/)
    expect(closed).toMatch(/^restricted:/)
  })

  it('that are admins can not be banned; an allow list needs a list; the file is not ours to change', async () => {
    const open = await start()
    const listed = await start({ allowWrite: fileOf(bob.pubkey) })

    expect(await call(open, 'banpubkey', admin.pubkey)).toEqual({
      error: 'an admin can not be banned: take the key out of the file of --admin',
    })
    expect(await call(open, 'allowpubkey', bob.pubkey)).toMatchObject({
      error: expect.stringMatching(/--allow-write/) as string,
    })
    expect(await call(listed, 'unallowpubkey', bob.pubkey)).toMatchObject({
      error: expect.stringMatching(/file/) as string,
    })
  })
})

describe('events and kinds', () => {
  it('that are banned are gone and do not come back, until they are allowed', async () => {
    const relay = await start()
    const client = await connect(relay)
    const event = note(alice)
    await client.publish(event)

    await call(relay, 'banevent', event.id, 'not here')
    const listed = await call(relay, 'listbannedevents')
    const again = await client.publish(event)
    const served = await client.stored({})
    await call(relay, 'allowevent', event.id)

    expect(listed).toEqual([{ id: event.id, reason: 'not here' }])
    expect(again).toEqual({ accepted: false, reason: 'blocked: this event is banned from this relay' })
    expect(served).toEqual([])
    expect((await client.publish(event)).accepted).toBe(true)
  })

  it('of a kind that is not allowed are refused; all others are listed', async () => {
    const relay = await start()
    const client = await connect(relay)

    await call(relay, 'disallowkind', 7)
    const refused = await client.publish(note(alice, '+', 7))
    const kinds = (await call(relay, 'listallowedkinds')) as number[]
    await call(relay, 'allowkind', 7)
    await call(relay, 'allowkind', 7)
    const taken = await client.publish(note(alice, '+', 7))

    expect(refused.reason).toBe('blocked: this relay takes no events of this kind')
    expect([kinds.length, kinds.includes(7), kinds.includes(65_535)]).toEqual([65_535, false, true])
    expect(taken.accepted).toBe(true)
    expect((await client.publish(note(alice, 'x', 1))).accepted).toBe(true)
  })
})

describe('addresses', () => {
  it('that are blocked are cut off and turned away; management stays open to unblock them', async () => {
    const relay = await start()
    const client = await connect(relay)

    await call(relay, 'blockip', '::ffff:127.0.0.1', 'noisy')
    await client.closed
    const status = await new Promise<number>((resolve) => {
      const socket = new WebSocket(relay.url)
      socket.on('unexpected-response', (_, response) => resolve(response.statusCode ?? 0))
      socket.on('error', () => undefined)
    })
    const listed = await call(relay, 'listblockedips')
    await call(relay, 'unblockip', '127.0.0.1')

    expect(status).toBe(403)
    expect(listed).toEqual([{ ip: '127.0.0.1', reason: 'noisy' }])
    await expect(connect(relay)).resolves.toBeDefined()
  })
})

describe('what was decided', () => {
  it('is told in the document, and holds after a restart, also where nobody manages it any more', async () => {
    const db = `${newFolder()}/relay.sqlite`
    const first = await start({ db, name: 'before', description: 'old' })
    await call(first, 'changerelayname', 'after')
    await call(first, 'changerelaydescription', 'new')
    await call(first, 'banpubkey', alice.pubkey)
    const documentOf = async (relay: Relay): Promise<unknown> =>
      (await fetch(relay.url.replace('ws', 'http'), { headers: { accept: 'application/nostr+json' } })).json()
    const now = await documentOf(first)
    await first.close()

    const second = await start({ db, name: 'before', admin: fileOf() })
    const client = await connect(second)

    expect(now).toMatchObject({ name: 'after', description: 'new' })
    expect(await documentOf(second)).toMatchObject({ name: 'after', description: 'new' })
    expect((await client.publish(note(alice))).reason).toBe('blocked: this key is banned from this relay')
  })
})
