import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { pairScope, type OwedReceipt } from '../../../src/core/decision.js'
import { readContent } from '../../../src/core/envelope.js'
import type { Receipt } from '../../../src/core/envelope-types.js'
import { tagValues } from '../../../src/core/event.js'
import type { EventId, MessageId, NostrEvent, Pubkey, RelayUrl, UnixMs } from '../../../src/core/types.js'
import { openEngine } from '../../../src/crypto/engine.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { nip44 } from '../../../src/crypto/nip44.js'
import { localSigner } from '../../../src/identity/local-signer.js'
import { systemClock, systemRandom } from '../../../src/ops/system.js'
import { createBell } from '../../../src/pipeline/bell.js'
import { runReceipts, type ReceiptsOptions } from '../../../src/pipeline/receipts.js'
import { createTally } from '../../../src/pipeline/tally.js'
import type { Signer, Store } from '../../../src/ports.js'
import { openStore } from '../../../src/store/open.js'

const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
const RELAY = 'ws://127.0.0.1:1' as RelayUrl
/** What strfry takes by default, and many relays with it. */
const SMALL_RELAY_BYTES = 65_536

const engine = await openEngine()
const signerOf = (name: string): Signer => localSigner(nodeHashes.sha256(name), engine, nip44, systemRandom)
const [mine, peers] = [signerOf('me'), signerOf('a peer')]
const [me, peer] = [await mine.getPublicKey(), await peers.getPublicKey()]

describe('the receipts owed to a peer', () => {
  let folder: string
  let store: Store
  let published: NostrEvent[]
  let stop: AbortController
  const clock = systemClock()

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ksp-receipts-'))
    store = openStore(join(folder, 'braid.sqlite'), { clock, hashes: nodeHashes })
    published = []
    stop = new AbortController()
  })
  afterEach(async () => {
    await store.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const options = (): ReceiptsOptions => ({
    to: peer,
    me,
    isTrusted: () => true,
    store,
    signer: mine,
    hashes: nodeHashes,
    clock,
    random: systemRandom,
    log: silent,
    bell: createBell(),
    tally: createTally(),
    backoff: { minMs: 1, maxMs: 1 },
    maxAgeMs: 60_000,
    hardStop: stop.signal,
    transport: {
      whenOpen: () => Promise.resolve(),
      relaysFor: () => [RELAY],
      publish: (event) => {
        published.push(event)
        return Promise.resolve([{ relay: RELAY, ok: true, message: '' }])
      },
    },
  })

  /** Runs until nothing is owed any more. */
  const send = async (): Promise<Receipt[]> => {
    const o = options()
    const sent: ReceiptsOptions['store']['receiptsSent'] = async (seqs) => {
      await store.receiptsSent(seqs)
      if (store.receiptsOwedTo().length === 0) stop.abort()
    }
    await runReceipts(
      {
        ...o,
        store: {
          receiptsDue: store.receiptsDue,
          nextReceiptDue: store.nextReceiptDue,
          root: store.root,
          receiptsSent: sent,
        },
      },
      stop.signal,
    )
    return (await Promise.all(published.map(opened))).flat()
  }
  const opened = async (event: NostrEvent): Promise<Receipt[]> => {
    const sealed = event.tags.some((t) => t[1]?.startsWith('enc-'))
    const content = readContent(sealed ? await peers.nip44Decrypt(me, event.content) : event.content, nodeHashes)
    if (!content.ok || content.value.type !== 'receipt') throw new Error('no receipts')
    return [...content.value.body]
  }

  const idOf = (n: number): string => nodeHashes.sha256Hex(`event ${n}`)
  const rejected = (n: number, over: Partial<OwedReceipt> = {}): OwedReceipt => ({
    to: peer,
    event: idOf(n) as EventId,
    ref: nodeHashes.sha256Hex(`message ${n}`) as MessageId,
    status: 'rejected',
    code: 'unsupported-version',
    at: clock.now(),
    dueAt: 0 as UnixMs,
    confidential: true,
    ...over,
  })
  const owe = (receipts: OwedReceipt[]): Promise<unknown> => store.commit(() => ({ receipts }))

  for (const [what, message] of [
    ['Latin', 'x'.repeat(200)],
    ['Chinese', '世'.repeat(200)],
    ['what JSON has to escape', '\u0001'.repeat(200)],
  ] as const) {
    for (const confidential of [true, false]) {
      it(`all go out in events that a small relay takes, with long words of ${what}, ${confidential ? 'sealed' : 'in the clear'}`, async () => {
        await owe(Array.from({ length: 250 }, (_, n) => rejected(n, { message, confidential })))

        const receipts = await send()

        expect(receipts.map((r) => r.event).sort()).toEqual(Array.from({ length: 250 }, (_, n) => idOf(n)).sort())
        expect(receipts.every((r) => r.message === message)).toBe(true)
        for (const event of published) expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThan(SMALL_RELAY_BYTES)
      })
    }
  }

  it('gather many to an event where they are short', async () => {
    await owe(Array.from({ length: 150 }, (_, n) => rejected(n, { confidential: false })))

    const receipts = await send()

    expect(receipts).toHaveLength(150)
    expect(published).toHaveLength(2)
    expect(published.flatMap((event) => tagValues(event, 'e')).sort()).toEqual(receipts.map((r) => r.event).sort())
  })

  it('tell the root of a scope to whoever is in it, and to nobody else', async () => {
    const third = nodeHashes.sha256Hex('a third Herm') as Pubkey
    await owe([
      rejected(1, { scope: pairScope(me, peer) }),
      rejected(2, { scope: pairScope(me, third) }),
      rejected(3, { scope: 'gossip' }),
    ])

    const receipts = await send()

    const told = receipts.filter((r) => r.braid !== undefined).map((r) => r.event)
    expect(told.sort()).toEqual([idOf(1), idOf(3)].sort())
  })
})
