import type { Frame } from './client.js'
import type { Ground } from './ground.js'
import { expect, rule, same, sameSet, shown } from './rule.js'
import type { Rule } from './rule.js'

/** NIP-01: what is said to an EVENT, and to what is no message at all. */

export const PREFIX = /^(duplicate|pow|blocked|rate-limited|invalid|restricted|auth-required|mute|error): \S/

/** After that text, whatever the relay says to it, the connection still works. */
const survives =
  (text: string | Buffer) =>
  async (g: Ground): Promise<void> => {
    const client = await g.connect()
    client.sendText(text)
    const event = g.author().sign()
    await client.store(event)
    same(await client.ids({ ids: [event.id] }), [event.id], 'what is served afterwards')
  }

const okOf = async (g: Ground, event: object, id: string): Promise<Frame> => {
  const client = await g.connect()
  client.send('EVENT', event)
  return client.wait('OK', (frame) => frame[0] === 'OK' && frame[1] === id)
}

export const RULES: readonly Rule[] = [
  rule('nip01-ok-accepted', 'an accepted EVENT gets OK true with a fourth member that is a string', async (g) => {
    const event = g.author().sign()
    const frame = await okOf(g, event, event.id)
    same([frame.length, frame[2], typeof frame[3]], [4, true, 'string'], 'OK')
  }),
  rule('nip01-ok-refused', 'a refused EVENT gets OK false with a fourth member that is a string', async (g) => {
    const event = { ...g.author().sign(), content: 'changed' }
    const frame = await okOf(g, event, event.id)
    same([frame.length, frame[2], typeof frame[3]], [4, false, 'string'], 'OK')
  }),
  rule('nip01-ok-prefix', 'the reason of OK false is a standard prefix, a colon and words', async (g) => {
    const event = { ...g.author().sign(), content: 'changed' }
    const [, , , reason] = await okOf(g, event, event.id)
    expect(PREFIX.test(String(reason)), `the reason is ${shown(String(reason))}`)
  }),
  rule(
    'nip01-ok-malformed',
    'an EVENT of a wrong form whose id can be read gets OK false, not NOTICE alone',
    async (g) => {
      const client = await g.connect()
      const event = g.author().sign({ kind: 'text' })
      await client.rejects(event)
      await client.fence()
      expect(
        client.heard.some((frame) => frame[0] === 'OK' && frame[1] === event.id && frame[2] === false),
        `heard ${shown(JSON.stringify(client.heard.filter((frame) => frame[0] !== 'AUTH')))}`,
      )
    },
  ),
  rule('nip01-ok-malformed-prefix', 'OK false to an EVENT of a wrong form has the prefix invalid:', async (g) => {
    const client = await g.connect()
    await client.refuses(g.author().sign({ tags: 'none' }), 'invalid')
  }),
  rule('nip01-ok-duplicate', 'an event that is there already gets OK true with duplicate:', async (g) => {
    const client = await g.connect()
    const event = g.author().sign()
    await client.store(event)
    const { accepted, reason } = await client.publish(event)
    expect(accepted && reason.startsWith('duplicate: '), `OK ${accepted}, "${shown(reason)}"`)
  }),
  rule(
    'nip01-ok-duplicate-elsewhere',
    'a duplicate that comes on another connection gets OK true with duplicate: too',
    async (g) => {
      const [one, other] = [await g.connect(), await g.connect()]
      const event = g.author().sign()
      await one.store(event)
      const { accepted, reason } = await other.publish(event)
      expect(accepted && reason.startsWith('duplicate: '), `OK ${accepted}, "${shown(reason)}"`)
    },
  ),
  rule('nip01-ok-invalid-id', 'a wrong id is refused with invalid:', async (g) => {
    const client = await g.connect()
    await client.refuses({ ...g.author().sign(), content: 'changed' }, 'invalid')
  }),
  rule('nip01-ok-invalid-sig', 'a wrong signature is refused with invalid:', async (g) => {
    const client = await g.connect()
    await client.refuses({ ...g.author().sign(), sig: g.author().sign().sig }, 'invalid')
  }),
  rule('nip01-ok-each', 'a hundred EVENTs sent at once get one OK each', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const events = Array.from({ length: 100 }, (_, i) => author.sign({ content: String(i) }))
    for (const event of events) client.send('EVENT', event)
    const oks = (): string[] => client.heard.flatMap((f) => (f[0] === 'OK' && f[2] === true ? [String(f[1])] : []))
    await client.until('a hundred OKs', () => (oks().length >= events.length ? true : undefined))
    await client.fence()
    const wanted = events.map(({ id }) => id)
    sameSet(oks(), wanted, 'events with OK true')
    sameSet(await client.ids({ authors: [author.pubkey] }), wanted, 'events that are stored')
  }),
  rule('nip01-ok-means-stored', 'what got OK true is served to the REQ that follows at once', async (g) => {
    const [writer, reader, author] = [await g.connect(), await g.connect(), g.author()]
    for (let n = 0; n < 10; n++) {
      const event = author.sign({ content: String(n) })
      await writer.store(event)
      same(await reader.ids({ ids: [event.id] }), [event.id], 'what is served')
    }
  }),

  rule('nip01-event-no-object', 'an EVENT that holds no object is answered and ends nothing', async (g) => {
    const client = await g.connect()
    for (const nothing of [5, 'text', null, []]) await client.rejects(nothing)
    await client.fence()
  }),
  rule('nip01-text-not-json', 'a text that is not JSON ends nothing', survives('{"EVENT"')),
  rule('nip01-text-empty', 'an empty text ends nothing', survives('')),
  rule('nip01-text-no-array', 'JSON that is no array ends nothing', survives('{"id":1}')),
  rule('nip01-array-empty', 'an empty array ends nothing', survives('[]')),
  rule('nip01-verb-unknown', 'a verb that nobody knows ends nothing', survives('["GREETINGS","x",{}]')),
  rule('nip01-verb-no-string', 'a verb that is no string ends nothing', survives('[[],1,{}]')),
  rule('nip01-arguments-missing', 'a verb without what belongs to it ends nothing', async (g) => {
    for (const verb of ['EVENT', 'REQ', 'CLOSE']) await survives(JSON.stringify([verb]))(g)
  }),
  rule('nip01-single-endpoint', 'a path of which the relay knows nothing is no second endpoint', async (g) => {
    const url = `${g.url.replace(/\/+$/, '')}/conformance-${g.author().pubkey.slice(0, 8)}`
    const opened = await g.connect(url).then(
      () => true,
      () => false,
    )
    expect(!opened, 'a connection was taken')
  }),
]
