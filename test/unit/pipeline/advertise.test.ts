import { describe, expect, it } from 'vitest'
import { tagValue } from '../../../src/core/event.js'
import type { NostrEvent, RelayUrl } from '../../../src/core/types.js'
import { openEngine } from '../../../src/crypto/engine.js'
import { createAdvertiser, type AdvertiseOptions, type Advertiser } from '../../../src/pipeline/advertise.js'
import { createBell, type Bell } from '../../../src/pipeline/bell.js'
import { Fault } from '../../../src/core/fault.js'
import { manualClock, type ManualClock } from '../../support/manual-clock.js'
import { partyOf } from '../../support/transport-bench.js'
import { watching, type Watch } from '../../support/watching.js'
import { nodeInfo, open, START } from '../store/build.js'
import { keptLog, settle, type KeptLog } from './build.js'

const engine = await openEngine()
const me = partyOf(engine, 'alpha')
const RELAYS = ['ws://127.0.0.1:1', 'ws://127.0.0.1:2'] as RelayUrl[]
const never = new AbortController().signal

interface Bench {
  readonly clock: ManualClock
  readonly bell: Bell
  readonly log: KeptLog
  readonly watch: Watch
  readonly published: { event: NostrEvent; relays: readonly RelayUrl[] }[]
  readonly advertiser: Advertiser
  again(): Advertiser
}
const bench = (over: Partial<AdvertiseOptions> = {}): Bench => {
  const clock = manualClock()
  const store = open(undefined, clock)
  const bell = createBell()
  const log = keptLog()
  const watch = watching()
  const published: Bench['published'] = []
  const again = (): Advertiser =>
    createAdvertiser({
      info: (status) => ({ ...nodeInfo('herm-a'), status }),
      intervalMs: 600_000,
      expireMs: 3_600_000,
      relays: () => RELAYS,
      signer: me,
      transport: {
        publish: (event, relays) => {
          published.push({ event, relays })
          watch.changed()
          return Promise.resolve(relays.map((relay) => ({ relay, ok: relay === RELAYS[0], message: 'blocked: no' })))
        },
      },
      clock,
      log,
      bell,
      lastAt: () => {
        const at = store.cursor('at')
        return at === undefined ? undefined : Number(at)
      },
      setLastAt: (at) => store.setCursor('at', String(at)),
      ...over,
    })
  return { clock, bell, log, watch, published, advertiser: again(), again }
}
const dates = (b: Bench): number[] => [...new Set(b.published.map((p) => p.event.created_at - START / 1000))]

describe('a node-info', () => {
  it('goes to every relay by itself, runs out, and each is newer than the one before', async () => {
    const b = bench()
    const answers = await b.advertiser.announce('active', never)
    await b.advertiser.announce('draining', never)
    expect(answers.map((a) => a.relay)).toEqual(RELAYS)
    expect(b.published.map((p) => p.relays.length)).toEqual([1, 1, 1, 1])
    expect(dates(b)).toEqual([0, 1])
    expect(tagValue(b.published[0]!.event, 'expiration')).toBe(String(START / 1000 + 3_600))
    expect(b.log.events()).toEqual(['advertise.refused', 'advertise.refused'])
  })

  it('is newer than that of the process before, which ended in the same second', async () => {
    const b = bench()
    await b.advertiser.announce('offline', never)
    await b.again().announce('active', never)
    expect(dates(b)).toEqual([0, 1])
  })

  it('comes back to the present when a clock that was far ahead is set right', async () => {
    const b = bench()
    b.clock.set(START + 86_400_000 * 365)
    await b.advertiser.announce('active', never)
    b.clock.set(START)
    await b.advertiser.announce('active', never)
    await b.advertiser.announce('active', never)
    await b.again().announce('active', never)
    expect(dates(b)).toEqual([86_400 * 365, 0, 1, 2])
  })

  it('stays newer than one that others may believe when the clock is set back a little', async () => {
    const b = bench()
    b.clock.set(START + 200_000)
    await b.advertiser.announce('active', never)
    b.clock.set(START)
    await b.advertiser.announce('active', never)
    expect(dates(b)).toEqual([200, 201])
  })

  it('that can’t be signed is told and does not end anything', async () => {
    const b = bench({ signer: { ...me, signEvent: () => Promise.reject(new Fault('signer', 'away')) } })
    expect(await b.advertiser.announce('active', never)).toEqual([])
    expect(b.log.lines[0]).toMatchObject({ event: 'advertise.failed', fields: { reason: 'away' } })
  })
})

describe('advertising', () => {
  it('waits for a relay to open, and does not answer each flap of one', async () => {
    const b = bench()
    const life = new AbortController()
    const running = b.advertiser.run(life.signal)
    await settle()
    expect(b.published).toEqual([])

    b.bell.ring('advertise')
    await b.watch.until(() => b.published.length === 2)
    for (let i = 0; i < 10; i++) b.bell.ring('advertise')
    await settle()
    expect(b.published).toHaveLength(2)

    b.clock.advance(1_000)
    await b.watch.until(() => b.published.length === 4)
    life.abort()
    await running
    expect(b.clock.asleep()).toEqual([])
  })
})
