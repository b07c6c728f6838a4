import { afterEach, describe, expect, it } from 'vitest'
import type { NostrEvent, UnixSec } from '../../src/core/types.js'
import {
  newKey,
  nowSec,
  startForeign,
  type ForeignClient,
  type ForeignKey,
  type Make,
} from '../support/foreign-client.js'
import { connectClient } from '../support/relay-client.js'
import { ids } from '../support/relay-store.js'
import { hintingProxy } from '../support/hinting-proxy.js'
import { keysFile, startRelayProcess } from '../support/relay-process.js'

const NOTHING = 'the client was served nothing'

/** What a client of another make does at the bundled relay: the relay's own process, and the client's. */
export const relayClientContract = (make: Make): void => {
  describe(`${make} at the bundled relay`, { timeout: 120_000 }, () => {
    const toStop: (() => Promise<unknown>)[] = []
    afterEach(() => Promise.all(toStop.splice(0).map((stop) => stop())))

    const relay = async (...args: string[]): Promise<string> => {
      const { url, child } = await startRelayProcess(...args)
      toStop.push(() => child.stop('SIGKILL'))
      return url
    }
    const client = async (url: string, key?: ForeignKey): Promise<ForeignClient> => {
      const started = await startForeign(make, url, key)
      toStop.push(() => started.stop())
      return started
    }
    /** What a client is served, nothing where it is refused: not every one tells the difference. */
    const served = (asked: Promise<NostrEvent[]>): Promise<NostrEvent[]> => asked.catch(() => [])
    const counted = (asked: Promise<number>): Promise<number> => asked.catch(() => 0)

    it('publishes, and another one is served the same event, stored and live', async () => {
      const url = await relay()
      const [writer, reader] = [await client(url, newKey()), await client(url, newKey())]
      const early = await writer.publish({ content: 'early \u0001 "\\" 世界', tags: [['t', 'interop']] })
      await reader.watch('notes', { kinds: [1], '#t': ['interop'] })
      const late = await writer.publish({ content: 'late', tags: [['t', 'interop']] })

      expect(await reader.live('notes', early.id)).toEqual(early)
      expect(await reader.live('notes', late.id)).toEqual(late)
      expect(ids(await reader.fetch({ '#t': ['interop'] })).sort()).toEqual(ids([early, late]).sort())
      expect(await (await connectClient(url)).stored({ ids: [late.id] })).toEqual([late])
    })

    it('hears why an event is refused', async () => {
      const writer = await client(await relay(), newKey())

      const refused = writer.publish({ tags: [['expiration', String(nowSec() - 10)]] })

      await expect(refused).rejects.toThrow('the event has expired')
    })

    it('replaces, deletes and counts', async () => {
      const key = newKey()
      const writer = await client(await relay(), key)
      const versions = (kind: number): Promise<NostrEvent[]> =>
        Promise.all(
          [20, 10].map((age) =>
            writer.publish({
              kind,
              content: `${age} s old`,
              created_at: (nowSec() - age) as UnixSec,
              tags: [['d', 'one']],
            }),
          ),
        )
      const [, profile] = await versions(0)
      const [, article] = await versions(30_023)
      const [kept, gone] = [await writer.publish({ content: 'kept' }), await writer.publish({ content: 'gone' })]
      const deletion = await writer.publish({
        kind: 5,
        tags: [
          ['e', gone.id],
          ['a', `30023:${key.pubkey}:one`],
        ],
      })

      expect(ids(await writer.fetch({ kinds: [0] }))).toEqual([profile!.id])
      expect(ids(await writer.fetch({ kinds: [30_023] }))).toEqual([])
      expect(ids(await writer.fetch({ kinds: [1, 5] })).sort()).toEqual(ids([kept, deletion]).sort())
      expect(await writer.count({ authors: [key.pubkey] })).toBe(3)
      expect(await writer.count({ ids: [article!.id, gone.id] })).toBe(0)
    })

    it('authenticates where only some may read, and is served then; without a listed key it is not', async () => {
      const [member, stranger] = [newKey(), newKey()]
      const url = await relay('--allow-read', keysFile(member.pubkey))
      const reader = await client(url, member)
      const event = await reader.publish({ content: 'for members' })

      expect(await reader.fetch({ ids: [event.id] })).toEqual([event])
      expect(await reader.count({ kinds: [1] })).toBe(1)
      await reader.watch('live', { kinds: [1] })
      const late = await reader.publish({ content: 'late' })
      expect(await reader.live('live', late.id)).toEqual(late)
      for (const key of [stranger, undefined]) {
        const other = await client(url, key)
        expect(await served(other.fetch({ kinds: [1] })), NOTHING).toEqual([])
        expect(await counted(other.count({ kinds: [1] })), NOTHING).toBe(0)
        expect(other.said.join()).not.toContain(event.id)
      }
    })

    it('sends a gift-wrapped message that its recipient alone is served, stored and live, and unwraps', async () => {
      const url = await relay()
      const [from, to] = [newKey(), newKey()]
      const [sender, recipient, third] = [await client(url, from), await client(url, to), await client(url, newKey())]
      const filter = { kinds: [1059], '#p': [to.pubkey] }
      const early = await sender.dm(to.pubkey, 'early 世界')
      await recipient.watch('inbox', filter)
      const late = await sender.dm(to.pubkey, 'late')

      const wraps = [await recipient.live('inbox', early), await recipient.live('inbox', late)]
      const messages = await Promise.all(wraps.map((wrap) => recipient.unwrap(wrap)))

      expect(messages).toEqual(['early 世界', 'late'].map((text) => ({ sender: from.pubkey, text })))
      expect(ids(await recipient.fetch(filter)).sort()).toEqual([early, late].sort())
      expect(await recipient.count(filter)).toBe(2)
      for (const other of [third, sender, await client(url)]) {
        for (const asked of [filter, { kinds: [1059] }, { ids: [early, late] }, {}]) {
          expect(await served(other.fetch(asked)), NOTHING).toEqual([])
        }
        expect(await counted(other.count(filter)), NOTHING).toBe(0)
        expect(await other.count({ ids: [early, late] })).toBe(0)
      }
      expect(third.said.join()).not.toContain(late)
    })

    it('takes the end of the stored events also where hints are told with it (NIP-67)', async () => {
      const url = await relay()
      const plain = await client(url, newKey())
      const event = await plain.publish({ content: 'stored' })
      for (const hints of [['finish'], ['more'], [], ['finish', 'unheard-of']]) {
        const proxy = await hintingProxy(url, hints)
        toStop.push(proxy.stop)
        // Without a key: an AUTH by way of another URL would be refused.
        const reader = await client(proxy.url)

        expect(await reader.fetch({ kinds: [1] })).toContainEqual(event)
        await reader.watch('live', { kinds: [1], limit: 0 })
        const late = await plain.publish({ content: hints.join() })
        expect(await reader.live('live', late.id)).toEqual(late)
        expect(proxy.told()).toBeGreaterThanOrEqual(2)
      }
    })
  })
}
