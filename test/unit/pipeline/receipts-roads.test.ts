import { describe, expect, it, onTestFinished } from 'vitest'
import type { OwedReceipt } from '../../../src/core/decision.js'
import { tagValue } from '../../../src/core/event.js'
import type { EventId, NostrEvent, RelayUrl, Road, UnixMs } from '../../../src/core/types.js'
import { openEngine } from '../../../src/crypto/engine.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { createBell } from '../../../src/pipeline/bell.js'
import { receiptBell } from '../../../src/pipeline/after-commit.js'
import { runReceipts } from '../../../src/pipeline/receipts.js'
import { createTally } from '../../../src/pipeline/tally.js'
import type { Store } from '../../../src/ports.js'
import { manualClock, type ManualClock } from '../../support/manual-clock.js'
import { partyOf } from '../../support/transport-bench.js'
import { watching, type Watch } from '../../support/watching.js'
import { hex, open, START } from '../store/build.js'
import { fixedRandom, keptLog, settle, type KeptLog } from './build.js'

const engine = await openEngine()
const [me, peer] = [partyOf(engine, 'alpha'), partyOf(engine, 'beta')]
const RELAY = 'ws://127.0.0.1:1' as RelayUrl
const DAY_MS = 24 * 60 * 60 * 1000

const owed = (n: number, parts: Partial<OwedReceipt> = {}): OwedReceipt => ({
  to: peer.key,
  event: hex<EventId>(`event ${n}`),
  status: 'accepted',
  stage: 'done',
  at: START,
  dueAt: START,
  confidential: true,
  ...parts,
})

interface Bench {
  readonly store: Store
  readonly clock: ManualClock
  readonly published: NostrEvent[]
  readonly log: KeptLog
  readonly watch: Watch
  readonly life: AbortController
  readonly ended: Promise<void>
  roads: readonly Road[]
  openRoads: readonly Road[]
  trusted: boolean
  says: boolean
  ring(): void
}

const bench = async (
  receipts: readonly OwedReceipt[],
  over: Partial<Pick<Bench, 'roads' | 'openRoads' | 'trusted' | 'says'>> = {},
): Promise<Bench> => {
  const clock = manualClock()
  const store = open(undefined, clock)
  await store.commit(() => ({ receipts }))
  const bell = createBell()
  const watch = watching()
  const log = keptLog()
  const life = new AbortController()
  const published: NostrEvent[] = []
  const b = {
    store,
    clock,
    published,
    log,
    watch,
    life,
    roads: ['nip44', 'public'],
    openRoads: ['nip44', 'public'],
    trusted: true,
    says: true,
    ring: () => bell.ring(receiptBell(peer.key)),
    ...over,
  } as Omit<Bench, 'ended'>
  const ended = runReceipts(
    {
      to: peer.key,
      me: me.key,
      isTrusted: () => b.trusted,
      store,
      signer: me,
      hashes: nodeHashes,
      clock,
      random: fixedRandom(),
      log,
      bell,
      tally: createTally(),
      backoff: { minMs: 1_000, maxMs: 900_000 },
      maxAgeMs: 7 * DAY_MS,
      hardStop: new AbortController().signal,
      transport: {
        relaysFor: (road) => (b.roads.includes(road) ? [RELAY] : []),
        whenOpen: (road, signal) =>
          new Promise((resolve) => {
            if (b.openRoads.includes(road)) resolve()
            signal.addEventListener('abort', () => resolve(), { once: true })
          }),
        publish: (event) => {
          published.push(event)
          watch.changed()
          return Promise.resolve([{ relay: RELAY, ok: b.says, message: '' }])
        },
      },
    },
    life.signal,
  )
  onTestFinished(async () => {
    life.abort()
    await ended
  })
  return Object.assign(b, { ended })
}
const isSealed = (event: NostrEvent): boolean => tagValue(event, 'd')?.startsWith('enc-') === true

describe('receipts', () => {
  it('answer sealed what came sealed, and in the clear what came in the clear', async () => {
    const b = await bench([owed(1), owed(2, { confidential: false })])
    await b.watch.until(() => b.published.length === 2)
    expect(b.published.map(isSealed).sort()).toEqual([false, true])
    await settle()
    expect(b.store.receiptsOwedTo()).toEqual([])
  })

  it('never answer in the clear what came sealed, also where only a clear road is there', async () => {
    const b = await bench([owed(1)], { roads: ['public'], openRoads: ['public'] })
    await settle()
    expect(b.published).toEqual([])
    expect(b.store.receiptsOwedTo()).toEqual([])
    expect(b.log.events()).toEqual(['receipts.dropped'])
  })

  it('are sealed where no relay takes clear ones, and hold up nothing behind them', async () => {
    const b = await bench([owed(1, { confidential: false }), owed(2)], { roads: ['nip44'], openRoads: ['nip44'] })
    await b.watch.until(() => b.published.length > 0)
    await settle()
    expect(b.published.every(isSealed)).toBe(true)
    expect(b.store.receiptsOwedTo()).toEqual([])
  })

  it('of an open road don’t wait for long for those of a road that is down', async () => {
    const b = await bench([owed(1, { confidential: false, at: (START - 5) as UnixMs }), owed(2)], {
      openRoads: ['nip44'],
    })
    await settle()
    if (b.published.length === 0) b.clock.advance(15_000)
    await b.watch.until(() => b.published.length === 1)
    expect(b.published.map(isSealed)).toEqual([true])
    await settle()
    expect(b.store.receiptsDue(peer.key, b.clock.now(), 10)).toMatchObject([{ confidential: false }])
  })

  it('to a key that was blocked meanwhile are not sent', async () => {
    const b = await bench([owed(1), owed(2)], { trusted: false })
    await settle()
    expect(b.published).toEqual([])
    expect(b.store.receiptsOwedTo()).toEqual([])
  })

  it('older than any message may be are not sent', async () => {
    const b = await bench([owed(1, { at: (START - 8 * DAY_MS) as UnixMs }), owed(2)])
    await b.watch.until(() => b.published.length === 1)
    await settle()
    expect(await peer.nip44Decrypt(me.key, b.published[0]!.content)).not.toContain(hex('event 1'))
    expect(b.store.receiptsOwedTo()).toEqual([])
  })

  it('that no relay takes are tried again, ever more seldom', async () => {
    const b = await bench([owed(1)], { says: false })
    const waits: number[] = []
    for (let n = 1; n <= 4; n++) {
      await b.watch.until(() => b.published.length === n)
      await settle()
      waits.push(b.clock.asleep()[0]!)
      b.clock.advance(waits.at(-1)!)
    }
    expect([...waits].sort((x, y) => x - y)).toEqual(waits)
    b.says = true
    await b.watch.until(() => b.published.length === 5)
    b.clock.advance(60_000)
    await settle()
    expect(b.published.length).toBeGreaterThanOrEqual(5)
  })

  it('wait the fifth of a second in which a done may replace a stored', async () => {
    const b = await bench([owed(1, { stage: 'stored', dueAt: (START + 200) as UnixMs })])
    await settle()
    expect(b.published).toEqual([])
    await b.store.commit(() => ({ receipts: [owed(1)] }))
    b.ring()
    await b.watch.until(() => b.published.length === 1)
    expect(await peer.nip44Decrypt(me.key, b.published[0]!.content)).toContain('"stage":"done"')
    await settle()
    expect(b.store.receiptsOwedTo()).toEqual([])
  })

  it('end with nothing left asleep when they are stopped', async () => {
    const b = await bench([owed(1)], { openRoads: [] })
    await settle()
    b.life.abort()
    await b.ended
    expect(b.published).toEqual([])
    expect(b.clock.asleep()).toEqual([])
  })
})
