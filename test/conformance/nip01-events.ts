import { freshHex } from './author.js'
import type { Signed } from './author.js'
import type { Ground } from './ground.js'
import { advice, expect, rule, same } from './rule.js'
import type { Rule } from './rule.js'

/** NIP-01: what is an event, what is none, and that it comes back as it was signed. */

const SYMBOLS = '\u2028 \u007f \u{1f600} / é \u00a0 \u{10ffff}'

/** Taken, and served with all seven members as they were signed. */
const comesBack =
  (over: Partial<Record<keyof Signed, unknown>>) =>
  async (g: Ground): Promise<void> => {
    const [client, author] = [await g.connect(), g.author()]
    const event = author.sign(over)
    await client.store(event)
    const { events } = await client.ask({ ids: [event.id] })
    same(events.map(sorted), [sorted(event)], 'what is served')
  }

const sorted = ({ id, pubkey, created_at, kind, tags, content, sig }: Signed): Signed => ({
  ...{ id, pubkey, created_at, kind, tags, content, sig },
})

/** Not taken, and not served afterwards. */
const isRejected =
  (make: (event: Signed, g: Ground) => unknown) =>
  async (g: Ground): Promise<void> => {
    const [client, author] = [await g.connect(), g.author()]
    const bad = make(author.sign({ content: 'as it was' }), g)
    await client.rejects(bad)
    same(await client.ids({ authors: [author.pubkey] }), [], 'stored all the same')
  }

/** The same for an event whose id and signature are right for what it wrongly says. */
const isRejectedThough =
  (over: Partial<Record<keyof Signed, unknown>>) =>
  async (g: Ground): Promise<void> => {
    const [client, author] = [await g.connect(), g.author()]
    await client.rejects(author.sign(over))
    same(await client.ids({ authors: [author.pubkey] }), [], 'stored all the same')
  }

const without = (name: keyof Signed) => (event: Signed) =>
  Object.fromEntries(Object.entries(event).filter(([member]) => member !== name))

const flipped = (hex: string): string => (hex.startsWith('0') ? '1' : '0') + hex.slice(1)

const withLetter = (g: Ground): Signed => {
  const author = g.author()
  for (let n = 0; ; n++) {
    const event = author.sign({ content: String(n) })
    if (/[a-f]/.test(event.id)) return event
  }
}

export const RULES: readonly Rule[] = [
  rule('nip01-event-served-as-signed', 'an event comes back with the seven members that were signed', comesBack({})),
  rule(
    'nip01-id-escapes',
    'the id is right where content holds line breaks, tabs, quotes, backslashes, backspaces and form feeds',
    comesBack({ content: '\n"\\\r\t\b\f', tags: [['t', '\n"\\\r\t\b\f']] }),
  ),
  rule(
    'nip01-id-control-chars',
    'other control characters are escaped in the id as JSON does it (U+0001 as u0001 behind a backslash)',
    comesBack({ content: '\u0001\u0002\u000b\u001f\u0000' }),
  ),
  rule('nip01-id-unicode', 'characters beyond ASCII stand as they are in the id', comesBack({ content: SYMBOLS })),
  rule(
    'nip01-id-unicode-tags',
    'characters beyond ASCII stand as they are in the id, in tags too',
    comesBack({ tags: [['t', SYMBOLS, SYMBOLS]] }),
  ),
  rule('nip01-content-empty', 'an empty content and no tags are an event', comesBack({ content: '', tags: [] })),
  rule('nip01-content-long', 'a content of 16 KiB is taken', comesBack({ content: 'long '.repeat(3_277) })),
  rule(
    'nip01-tag-single-string',
    'a tag of one string, and one with empty strings, is a tag',
    comesBack({ tags: [['alone'], ['t', ''], ['empty', '', '']] }),
  ),
  rule('nip01-kind-65535', 'kind 65535 is taken', comesBack({ kind: 65_535 })),
  rule('nip01-json-any-form', 'order of members, white space and needless escapes do not matter', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const event = author.sign({ content: 'plain' })
    const { id, pubkey, created_at, kind, content, sig } = event
    const escaped = content.replace(/./g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)
    client.sendText(
      `[ "EVENT" ,\n {"content":"${escaped}", "tags" : [ ], "sig":"${sig}", "kind":${kind},\t"created_at":${created_at},` +
        ` "pubkey":"${pubkey}", "id":"${id}" } ]`,
    )
    const frame = await client.wait('OK', (f) => f[0] === 'OK' && f[1] === id)
    expect(frame[2] === true, `refused: ${String(frame[3])}`)
  }),

  rule(
    'nip01-id-not-the-hash',
    'an id that is not the hash of the event is refused',
    isRejected((event) => ({ ...event, content: 'as it was not' })),
  ),
  rule(
    'nip01-id-of-nothing',
    'an id that is some other hex is refused',
    isRejected((event) => ({ ...event, id: freshHex() })),
  ),
  rule('nip01-id-uppercase', 'an id in uppercase is refused', async (g) => {
    const event = withLetter(g)
    const client = await g.connect()
    await client.rejects({ ...event, id: event.id.toUpperCase() })
    same(await client.ids({ authors: [event.pubkey] }), [], 'stored all the same')
  }),
  rule(
    'nip01-id-short',
    'an id of 62 characters is refused',
    isRejected((event) => ({ ...event, id: event.id.slice(2) })),
  ),
  rule(
    'nip01-pubkey-uppercase',
    'a pubkey in uppercase is refused, though id and signature are right',
    isRejected((event) => ({ ...event, pubkey: event.pubkey.toUpperCase() })),
  ),
  rule(
    'nip01-pubkey-no-key',
    'a pubkey that is no point of the curve is refused',
    isRejected((event) => ({ ...event, pubkey: 'f'.repeat(64) })),
  ),
  rule(
    'nip01-sig-wrong',
    'a signature that does not hold is refused',
    isRejected((event) => ({ ...event, sig: flipped(event.sig) })),
  ),
  rule(
    'nip01-sig-of-another-event',
    'a true signature of something else is refused',
    isRejected((event, g) => ({ ...event, sig: g.author().sign().sig })),
  ),
  rule(
    'nip01-sig-zero',
    'a signature of zeros is refused',
    isRejected((event) => ({ ...event, sig: '0'.repeat(128) })),
  ),
  rule(
    'nip01-sig-uppercase',
    'a signature in uppercase is refused',
    isRejected((event) => ({ ...event, sig: event.sig.toUpperCase() })),
  ),
  rule(
    'nip01-sig-short',
    'a signature of 126 characters is refused',
    isRejected((event) => ({ ...event, sig: event.sig.slice(2) })),
  ),
  rule('nip01-forged-copy-first', 'a forged copy that comes first does not keep the true event out', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const event = author.sign()
    await client.rejects({ ...event, sig: flipped(event.sig) })
    await client.store(event)
    same(await client.ids({ ids: [event.id] }), [event.id], 'what is served')
  }),

  rule('nip01-kind-65536', 'kind 65536 is refused (the upper bound)', isRejectedThough({ kind: 65_536 })),
  rule('nip01-kind-negative', 'kind -1 is refused', isRejectedThough({ kind: -1 })),
  rule('nip01-kind-fraction', 'kind 1.5 is refused', isRejectedThough({ kind: 1.5 })),
  rule('nip01-kind-string', 'kind "1" is refused', isRejectedThough({ kind: '1' })),
  rule(
    'nip01-created-at-fraction',
    'a created_at of half a second is refused',
    isRejectedThough({ created_at: 1_700_000_000.5 }),
  ),
  rule('nip01-created-at-string', 'a created_at as text is refused', isRejectedThough({ created_at: '1700000000' })),
  rule('nip01-created-at-negative', 'a created_at before 1970 is refused', isRejectedThough({ created_at: -1 })),
  rule('nip01-content-number', 'a content that is a number is refused', isRejectedThough({ content: 5 })),
  rule('nip01-content-null', 'a content that is null is refused', isRejectedThough({ content: null })),
  rule('nip01-tags-object', 'tags that are no array are refused', isRejectedThough({ tags: { t: 'x' } })),
  rule('nip01-tag-not-array', 'a tag that is a string is refused', isRejectedThough({ tags: ['t'] })),
  rule('nip01-tag-empty', 'a tag without a string is refused', isRejectedThough({ tags: [[]] })),
  rule('nip01-tag-number', 'a tag that holds a number is refused', isRejectedThough({ tags: [['t', 1]] })),
  rule('nip01-tag-null', 'a tag that holds null is refused', isRejectedThough({ tags: [['t', null]] })),
  rule('nip01-tag-nested', 'a tag that holds an array is refused', isRejectedThough({ tags: [['t', ['x']]] })),
  advice(
    'nip01-lone-surrogate',
    'half a character, which has no UTF-8 form, is refused',
    isRejectedThough({ content: '\ud83d' }),
  ),
  ...(['id', 'pubkey', 'created_at', 'kind', 'tags', 'content', 'sig'] as const).map((name) =>
    rule(`nip01-missing-${name.replace('_', '-')}`, `an event without ${name} is refused`, isRejected(without(name))),
  ),
]
