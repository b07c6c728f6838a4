import type { Author, Signed } from './author.js'
import type { Client } from './client.js'
import type { Ground } from './ground.js'
import { expect, rule, same, sameSet, shown } from './rule.js'
import type { Rule } from './rule.js'

/** What an operator keeps of a relay, and for how long. Only of our own: other relays have other commands. */

interface Kept {
  readonly client: Client
  readonly author: Author
  readonly events: readonly Signed[]
  /** Deleted by its author. */
  readonly deleted: Signed
}

const life = async (g: Ground, url: string): Promise<Kept> => {
  const [client, author] = [await g.connect(url), g.author()]
  const events = [1, 7, 10_002, 30_023].map((kind) => author.sign({ kind, tags: [['d', 'x']] }))
  const deleted = author.sign({ content: 'deleted' })
  const deletion = author.sign({ kind: 5, tags: [['e', deleted.id]] })
  await client.store(...events, deleted, deletion)
  return { client, author, events: [...events, deletion], deleted }
}

const ids = (events: readonly Signed[]): string[] => events.map(({ id }) => id)

const has = async (client: Client, { author, events }: Kept): Promise<void> =>
  sameSet(await client.ids({ authors: [author.pubkey] }), ids(events), 'what is there')

const of = (id: string, what: string, check: (g: Ground) => Promise<void>): Rule => rule(id, what, check, 'process')

export const RULES: readonly Rule[] = [
  of(
    'relay-backup',
    'a backup that a running relay makes holds all that got OK before it, deletions too',
    async (g) => {
      const { start, run } = g.own()
      const kept = await life(g, (await start('kept')).url)
      await run('backup', ['kept-copy.sqlite', '--db', 'kept.sqlite'])
      await kept.client.store(kept.author.sign({ content: 'after the backup' }))
      const client = await g.connect((await start('kept-copy')).url)
      await has(client, kept)
      await client.refuses(kept.deleted)
    },
  ),
  of('relay-restore', 'a backup that is restored is the relay that was', async (g) => {
    const { start, run } = g.own()
    const { url, child } = await start('lost')
    const kept = await life(g, url)
    await run('backup', ['lost.backup', '--db', 'lost.sqlite'])
    await kept.client.store(kept.author.sign({ content: 'after the backup' }))
    await child.stop('SIGTERM')
    await run('restore', ['lost.backup', '--db', 'lost.sqlite', '--force'])
    const client = await g.connect((await start('lost')).url)
    await has(client, kept)
    await client.refuses(kept.deleted)
  }),
  of(
    'relay-export-import',
    'what is exported as JSON lines, while it runs, and imported elsewhere is the same',
    async (g) => {
      const { start, run } = g.own()
      const kept = await life(g, (await start('source')).url)
      await run('export', ['events.jsonl', '--db', 'source.sqlite'])
      await run('import', ['events.jsonl', '--db', 'target.sqlite'])
      await has(await g.connect((await start('target')).url), kept)
    },
  ),
  of(
    'relay-retention',
    'of a kind of which only the newest are kept, the oldest go, and do not come back',
    async (g) => {
      const [{ url }, author] = [await g.own().start('retained', ['--retain', '1=forever,3']), g.author()]
      const client = await g.connect(url)
      const notes = Array.from({ length: 8 }, (_, i) =>
        author.sign({ created_at: g.now() - 100 + i, content: String(i) }),
      )
      const other = author.sign({ kind: 7 })
      await client.store(...notes, other)
      const left = async (): Promise<string[]> => client.ids({ authors: [author.pubkey], kinds: [1] })
      while ((await left()).length > 3) await g.rest()
      same(await left(), ids(notes.slice(-3).reverse()), 'what is left')
      same(await client.ids({ ids: [other.id] }), [other.id], 'of another kind')
      const [first] = notes
      if (first !== undefined) await client.publish(first)
      while ((await left()).length > 3) await g.rest()
      expect(!(await left()).includes(first?.id ?? ''), `the oldest is back: ${shown(first?.id)}`)
    },
  ),
]
