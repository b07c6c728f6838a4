import { httpAsk } from './document.js'
import type { Ground } from './ground.js'
import { expect, rule, same, sameSet, shown } from './rule.js'
import type { Rule } from './rule.js'

/** What no NIP asks for, and a relay that is trusted needs. */

/** Far more than anybody needs in some seconds. */
const MANY_COUNTS = 3_000
const KAPNET_KINDS = [30_000, 30_078, 30_599]

/** That, said to the relay, harms nobody: neither whoever says it nor others. */
const harmsNobody =
  (harm: (g: Ground, text: (text: string | Buffer) => void) => Promise<void>) =>
  async (g: Ground): Promise<void> => {
    const [bad, good] = [await g.connect(), await g.connect()]
    await harm(g, (text) => bad.sendText(text))
    const event = g.author().sign()
    await good.store(event)
    same(await good.ids({ ids: [event.id] }), [event.id], 'what another client gets')
    // The one who said it is answered, or cut off; never left hanging.
    if (bad.isOpen()) await Promise.race([bad.fence(), bad.closed])
  }

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)

export const RULES: readonly Rule[] = [
  rule(
    'relay-nested-json',
    'JSON that nests ten thousand deep harms nobody',
    harmsNobody(async (_, say) => {
      say(`["REQ","x",${nested(10_000)}]`)
      say(`["EVENT",${nested(10_000)}]`)
      return Promise.resolve()
    }),
  ),
  rule(
    'relay-nested-tags',
    'tags that nest thousands deep harm nobody',
    harmsNobody(async (g, say) => {
      say(JSON.stringify(['EVENT', { ...g.author().sign(), tags: 'X' }]).replace('"X"', nested(5_000)))
      return Promise.resolve()
    }),
  ),
  rule(
    'relay-invalid-utf8',
    'a message that is no UTF-8 harms nobody',
    harmsNobody(async (_, say) => {
      say(Buffer.from([0x5b, 0x22, 0xff, 0xfe, 0xc0, 0x22, 0x5d]))
      return Promise.resolve()
    }),
  ),
  rule(
    'relay-huge-message',
    'a message of ten megabytes is refused or cut off',
    harmsNobody(async (_, say) => {
      say(`["EVENT","${'x'.repeat(10 * 1024 * 1024)}"]`)
      return Promise.resolve()
    }),
  ),
  rule('relay-many-filters', 'a REQ of ten thousand filters is answered or refused', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const { end } = await client.ask(...Array.from({ length: 10_000 }, () => ({ authors: [author.pubkey], limit: 1 })))
    expect(end[0] === 'EOSE' || /^[a-z-]+: \S/.test(String(end[2])), shown(JSON.stringify(end)))
  }),
  rule('relay-many-values', 'a filter of ten thousand ids is answered or refused', async (g) => {
    const client = await g.connect()
    const ids = Array.from({ length: 10_000 }, (_, i) => i.toString(16).padStart(64, '0'))
    const { end } = await client.ask({ ids })
    expect(end[0] === 'EOSE' || /^[a-z-]+: \S/.test(String(end[2])), shown(JSON.stringify(end)))
  }),
  rule('relay-many-reqs', 'a thousand REQs at once are all answered', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const event = author.sign()
    await client.store(event)
    for (let n = 0; n < 1_000; n++) client.send('REQ', `m${n}`, { ids: [event.id] })
    const ended = (): number =>
      new Set(client.heard.flatMap((f) => (f[0] === 'EOSE' || f[0] === 'CLOSED' ? [f[1]] : []))).size
    await client.until('a thousand answers', () => (ended() >= 1_000 ? true : undefined))
  }),
  rule('relay-auth-flood', 'five hundred wrong AUTHs are all answered, and others are served meanwhile', async (g) => {
    const [bad, good] = [await g.connect(), await g.connect()]
    const event = g.author().sign({
      kind: 22_242,
      tags: [
        ['relay', g.url],
        ['challenge', 'x'],
      ],
    })
    for (let n = 0; n < 500; n++) bad.send('AUTH', event)
    await good.store(g.author().sign())
    if (bad.isOpen()) {
      await bad.until('answers', () =>
        bad.heard.filter((f) => f[0] === 'OK' || f[0] === 'NOTICE').length >= 500 ? true : undefined,
      )
    }
  }),
  rule('relay-metrics-elsewhere', 'figures for the operator are not told at the relay’s own address', async (g) => {
    for (const path of ['/metrics', '/health', '/stats']) {
      const { text } = await httpAsk(g.url.replace(/\/+$/, '') + path, {}, 5_000)
      expect(!/^# (HELP|TYPE) /m.test(text), `${path} tells figures`)
    }
  }),
  rule('relay-kapnet-open', 'kinds 30000 to 30599 are taken where no allowlist stands before them', async (g) => {
    const [client, author] = [await g.connect(), g.author()]
    const events = KAPNET_KINDS.map((kind) => author.sign({ kind, tags: [['d', 'x']] }))
    await client.store(...events)
    sameSet(
      await client.ids({ authors: [author.pubkey] }),
      events.map(({ id }) => id),
      'what is kept',
    )
  }),
  rule(
    'relay-kapnet-unlisted',
    'with an allowlist kinds 30000 to 30599 are refused to others, with auth-required: or restricted:',
    async (g) => {
      const [client, author] = [await g.connect(), g.author()]
      for (const kind of KAPNET_KINDS) await client.refuses(author.sign({ kind, tags: [['d', 'x']] }), 'auth-required')
      await client.auth(author)
      for (const kind of KAPNET_KINDS) await client.refuses(author.sign({ kind, tags: [['d', 'x']] }), 'restricted')
    },
    'named',
  ),
  rule(
    'relay-kapnet-listed',
    'with an allowlist kinds 30000 to 30599 are taken of a key that is on it',
    async (g) => {
      const [client, { kapnet }] = [await g.connect(), g.own().keys]
      await client.store(...KAPNET_KINDS.map((kind) => kapnet.sign({ kind, tags: [['d', g.author().pubkey]] })))
    },
    'named',
  ),
  rule(
    'relay-kapnet-others',
    'kinds beside them are anybody’s',
    async (g) => {
      const [client, author] = [await g.connect(), g.author()]
      await client.store(...[29_999 + 601, 1, 10_002].map((kind) => author.sign({ kind, tags: [['d', 'x']] })))
    },
    'named',
  ),
  rule(
    'relay-rate-connection',
    'events beyond the rate of a connection are refused with rate-limited:',
    async (g) => {
      const [client, { burst }] = [await g.connect(), g.own()]
      const events = Array.from({ length: burst.connection + 20 }, () => g.author().sign())
      for (const event of events) client.send('EVENT', event)
      const oks = () => client.heard.filter((f) => f[0] === 'OK')
      await client.until('OKs', () => (oks().length >= events.length ? true : undefined))
      const refused = oks()
        .filter((f) => f[2] === false)
        .map((f) => String(f[3]))
      expect(refused.length > 0, 'all were taken')
      expect(
        refused.every((reason) => reason.startsWith('rate-limited: ')),
        shown(refused[0]),
      )
      expect(events.length - refused.length >= burst.connection, `only ${events.length - refused.length} were taken`)
    },
    'rates',
  ),
  rule(
    'relay-rate-count',
    'COUNTs without end, one after the other, get CLOSED with rate-limited: in the end',
    async (g) => {
      const [client, author] = [await g.connect(), g.author()]
      for (let n = 0; n < MANY_COUNTS; n++) {
        const frame = await client.askCount({ authors: [author.pubkey] })
        if (frame[0] !== 'CLOSED') continue
        expect(String(frame[2]).startsWith('rate-limited: '), shown(String(frame[2])))
        return
      }
      expect(false, `${MANY_COUNTS} were answered`)
    },
    'rates',
  ),
  rule(
    'relay-rate-key',
    'events beyond the rate of an author are refused with rate-limited:, over all connections',
    async (g) => {
      const [one, two, author] = [await g.connect(), await g.connect(), g.author()]
      const { burst } = g.own()
      const reasons: string[] = []
      for (let n = 0; n < burst.author + 10; n++) {
        const { accepted, reason } = await (n % 2 === 0 ? one : two).publish(author.sign({ content: String(n) }))
        if (!accepted) reasons.push(reason)
      }
      expect(reasons.length > 0, 'all were taken')
      expect(
        reasons.every((reason) => reason.startsWith('rate-limited: ')),
        shown(reasons[0]),
      )
    },
    'rates',
  ),

  rule(
    'relay-durable',
    'what got OK true is there after kill -9 in the middle of more',
    async (g) => {
      const { start } = g.own()
      const [{ url, child }, author] = [await start('durable'), g.author()]
      const client = await g.connect(url)
      const events = Array.from({ length: 200 }, (_, i) => author.sign({ content: String(i) }))
      for (const event of events) client.send('EVENT', event)
      const oks = (): string[] => client.heard.flatMap((f) => (f[0] === 'OK' && f[2] === true ? [String(f[1])] : []))
      await client.until('OKs', () => (oks().length >= 60 ? true : undefined))
      await child.stop('SIGKILL')
      await client.closed
      const after = await g.connect((await start('durable')).url)
      const kept = new Set(await after.ids({ authors: [author.pubkey] }))
      same(
        oks().filter((id) => !kept.has(id)),
        [],
        'events with OK that are lost',
      )
    },
    'process',
  ),
  rule(
    'relay-durable-state',
    'deletions, versions and requests to vanish are there after kill -9 too',
    async (g) => {
      const { start } = g.own()
      const [{ url, child }, author, gone] = [await start('state'), g.author(), g.author()]
      const client = await g.connect(url)
      const [note, list] = [author.sign(), author.sign({ kind: 10_002, created_at: g.now() - 9 })]
      const current = author.sign({ kind: 10_002 })
      const past = gone.sign({ created_at: g.now() - 9 })
      await client.store(note, list, current, author.sign({ kind: 5, tags: [['e', note.id]] }), past)
      await client.store(gone.sign({ kind: 62, tags: [['relay', 'ALL_RELAYS']] }))
      await child.stop('SIGKILL')
      const after = await g.connect((await start('state')).url)
      for (const event of [note, past]) await after.refuses(event)
      same(await after.ids({ authors: [author.pubkey], kinds: [1, 10_002] }), [current.id], 'what is left')
    },
    'process',
  ),
  rule(
    'relay-goodbye',
    'at SIGTERM clients hear a goodbye (1001), and the relay ends with 0',
    async (g) => {
      const { url, child } = await g.own().start('goodbye')
      const client = await g.connect(url)
      const { code } = await child.stop('SIGTERM')
      same([await client.closed, code], [1001, 0], 'what the client hears, and the exit code')
    },
    'process',
  ),
  rule(
    'relay-goodbye-deadline',
    'a client that does not listen does not hold up the end of the relay',
    async (g) => {
      const { url, child } = await g.own().start('deadline', ['--stop-deadline', '1s'])
      const client = await g.connect(url)
      client.pause()
      const { code } = await child.stop('SIGTERM')
      same(code, 0, 'the exit code')
    },
    'process',
  ),
  rule(
    'relay-slow-reader',
    'a client that listens and does not read is cut off; others are served meanwhile',
    async (g) => {
      const { url } = await g.own().start('slow')
      const [slow, good, author] = [await g.connect(url), await g.connect(url), g.author()]
      for (let n = 0; n < 16; n++) await slow.subscribe({ authors: [author.pubkey], limit: 0 })
      slow.pause()
      // Nobody reads sixteen times 500 KB of each.
      for (let n = 0; n < 12; n++) await good.store(author.sign({ content: `${n} `.repeat(250_000) }))
      same((await good.ids({ authors: [author.pubkey] })).length, 12, 'what another client gets')
      slow.resume()
      await slow.closed
    },
    'process',
  ),
  rule(
    'relay-slow-asker',
    'a client that asks for much and does not read takes nothing from others',
    async (g) => {
      const { url } = await g.own().start('asker')
      const [slow, good, author] = [await g.connect(url), await g.connect(url), g.author()]
      await good.store(...Array.from({ length: 8 }, (_, i) => author.sign({ content: `${i}`.repeat(200_000) })))
      slow.pause()
      for (let n = 0; n < 60; n++) slow.send('REQ', `s${n}`, { authors: [author.pubkey] })
      const last = author.sign({ content: 'last' })
      await good.store(last)
      same(await good.ids({ ids: [last.id] }), [last.id], 'what another client gets')
    },
    'process',
  ),
]
