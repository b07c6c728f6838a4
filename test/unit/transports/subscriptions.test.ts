import { setMaxListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { RelayUrl, UnixMs } from '../../../src/core/types.js'
import type { Clock } from '../../../src/ports.js'
import { DEFAULT_LIMITS } from '../../../src/transports/limits.js'
import { createSubscriptions, type Subscriptions } from '../../../src/transports/subscriptions.js'
import { watching } from '../../support/watching.js'

/** Time passes only when a test says so. */
const manualClock = (start: number): Clock & { advance(ms: number): void } => {
  let now = start
  const sleepers = new Set<{ at: number; wake: () => void }>()
  return {
    now: () => now as UnixMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const sleeper = {
          at: now + ms,
          wake: () => {
            sleepers.delete(sleeper)
            resolve()
          },
        }
        if (signal?.aborted === true) {
          resolve()
          return
        }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', sleeper.wake, { once: true })
      }),
    advance: (ms) => {
      now += ms
      for (const sleeper of [...sleepers]) if (sleeper.at <= now) sleeper.wake()
    },
  }
}

const START = 1_800_000_000_000
const MINUTE = 60_000

/** The order of one connection, with a relay that says EOSE to everything and time in the test's hands. */
describe('the time of the last whole read', () => {
  const watch = watching()
  let clock: ReturnType<typeof manualClock>
  let subscriptions: Subscriptions
  let stop: AbortController
  let running: Promise<void>
  let remembered: number[]
  let asked: string[]
  /** Waits of a minute, and the others. */
  let sleeping: number
  let slept: number[]
  let idle: boolean
  let lastWhole: UnixMs | undefined

  beforeEach(() => {
    const manual = manualClock(START)
    sleeping = 0
    slept = []
    clock = {
      ...manual,
      sleep: (ms, signal) => {
        if (ms === MINUTE) sleeping++
        else slept.push(ms)
        watch.changed()
        return manual.sleep(ms, signal)
      },
    }
    remembered = []
    asked = []
    idle = true
    lastWhole = undefined
    stop = new AbortController()
    setMaxListeners(0, stop.signal)
    const silent = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }
    subscriptions = createSubscriptions({
      url: 'wss://relay.example' as RelayUrl,
      sources: () => [{ name: 'to-us', filter: { kinds: [1] }, narrower: [] }],
      memory: () => ({ url: 'wss://relay.example' as RelayUrl, ...(lastWhole === undefined ? {} : { lastWhole }) }),
      remember: (at) => {
        remembered.push(at - START)
        lastWhole = at
        watch.changed()
        return Promise.resolve()
      },
      inbox: { idle: () => Promise.resolve(), isIdle: () => idle, isFull: () => false },
      send: (text) => {
        asked.push(text)
        const [verb, sub] = JSON.parse(text) as [string, string]
        if (verb === 'REQ') queueMicrotask(() => subscriptions.onEose(sub))
        watch.changed()
        return Promise.resolve(true)
      },
      clock,
      random: { bytes: (n) => new Uint8Array(n), fraction: () => 0.5 },
      log: silent,
      limits: DEFAULT_LIMITS,
    })
    running = subscriptions.run(stop.signal)
  })
  afterEach(async () => {
    stop.abort()
    await running
  })
  const minutesSlept = (n: number): Promise<void> => watch.until(() => sleeping >= n)
  const rounds = (): number => asked.filter((a) => a.includes('"live-') && a.startsWith('["REQ')).length

  /** The round's own wait for a quiet inbox is the first such wait. */
  const settled = (): Promise<void> => minutesSlept(2)

  it('is when the round began, and then each minute while all is well', async () => {
    await settled()
    expect(remembered).toEqual([0])
    clock.advance(MINUTE)
    await minutesSlept(3)
    clock.advance(MINUTE)
    await minutesSlept(4)

    expect(remembered).toEqual([0, MINUTE, 2 * MINUTE])
  })

  it('does not move while something is still to be taken in', async () => {
    await settled()
    idle = false
    clock.advance(MINUTE)
    await minutesSlept(3)
    idle = true
    clock.advance(MINUTE)
    await minutesSlept(4)

    expect(remembered).toEqual([0, 2 * MINUTE])
  })

  it('does not move while a subscription is closed; then all is read again', async () => {
    await settled()
    const sub = (JSON.parse(asked[0]!) as string[])[1]!
    clock.advance(5_000)
    subscriptions.onClosed(sub, 'error: sorry')
    await watch.until(() => slept.includes(1_500))
    clock.advance(1_500)
    await watch.until(() => rounds() === 2)
    await watch.until(() => remembered.length === 2)

    expect(remembered).toEqual([0, 6_500])
  })

  it('reads from an hour before it, again every hour', async () => {
    await settled()
    for (let n = 1; n <= 60; n++) {
      clock.advance(MINUTE)
      await minutesSlept(2 + n)
    }
    await watch.until(() => rounds() === 2 && remembered.at(-1) === 60 * MINUTE)

    const pages = asked.filter((a) => a.includes('"page-') && a.startsWith('["REQ'))
    const since = pages.map((p) => (JSON.parse(p) as [string, string, { since: number }])[2].since)
    expect(since[0]).toBe(START / 1_000 - 7 * 24 * 3_600)
    expect(since.at(-1)).toBe(START / 1_000 + 59 * 60 - 3_600)
  })

  it('makes no window that begins in the future when the clock was set back', async () => {
    await settled()
    lastWhole = (START + 10 * 24 * 3_600_000) as UnixMs
    subscriptions.again()
    await watch.until(() => rounds() === 2)
    await watch.until(() => asked.filter((a) => a.includes('"page-') && a.startsWith('["REQ')).length >= 2)

    const last = JSON.parse(asked.findLast((a) => a.startsWith('["REQ"'))!) as [string, string, { since: number }]
    expect(last[2].since).toBe(START / 1_000 - 3_600)
  })
})
