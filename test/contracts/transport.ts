import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { NostrEvent, RelayUrl } from '../../src/core/types.js'
import { publishOnce } from '../../src/transports/fetch.js'
import { systemClock } from '../../src/ops/system.js'
import { nowSec, transportBench, type Bench, type BenchOptions } from '../support/transport-bench.js'

/** A relay that a transport is tested against: real, and one that keeps its events when it is killed and started again. */
export interface RelayUnderTest {
  readonly url: RelayUrl
  start(): Promise<void>
  /** Takes it away without a word. */
  kill(): Promise<void>
}

const never = new AbortController().signal

/** What a transport does with every relay that is worth the name. `setup` gives one that is running. */
export const transportContract = (
  name: string,
  setup: () => Promise<RelayUnderTest & { close(): Promise<void> }>,
): void => {
  describe(`a transport on ${name}`, () => {
    let relay: Awaited<ReturnType<typeof setup>>
    let bench: Bench
    beforeEach(async () => {
      relay = await setup()
    })
    afterEach(async () => {
      await bench.stop()
      await relay.close()
    })

    const open = async (options: Partial<BenchOptions> = {}): Promise<void> => {
      bench = await transportBench({ relays: [{ url: relay.url }], ...options })
    }
    const whole = (): Promise<void> => bench.watch.until(() => bench.isWhole(relay.url))
    const down = (): Promise<void> => bench.watch.until(() => bench.transport.status()[0]?.state !== 'open')
    const texts = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `n${from + i}`)
    const arrived = (from: number, to: number): Promise<void> =>
      bench.watch.until(() => texts(from, to).every((t) => bench.contents().has(t)))
    const messages = (from: number, to: number, at = nowSec()): NostrEvent[] =>
      Array.from({ length: to - from }, (_, i) =>
        bench.peer.message(from + i, { to: bench.me.key, content: `n${from + i}`, at }),
      )
    /** Past us, on a connection of its own. */
    const put = async (events: readonly NostrEvent[]): Promise<void> => {
      const answers = await publishOnce(relay.url, events, { clock: systemClock(), timeoutMs: 30_000 })
      expect(answers.filter((a) => !a.ok)).toEqual([])
    }

    it('brings what was there, what comes live, and each event once', async () => {
      await open()
      await put(messages(0, 20))
      bench.start()
      await whole()
      await put(messages(20, 40))
      await arrived(0, 40)

      expect(bench.arrivals).toHaveLength(40)
      expect(bench.refused).toEqual([])
      expect(bench.transport.status()[0]).toMatchObject({ state: 'open', url: relay.url })
    })

    it('loses nothing of 100 events sent while it was away and 100 sent after', async () => {
      await open()
      bench.start()
      await whole()
      await bench.stop()
      await put(messages(0, 100))

      bench = await transportBench({ relays: [{ url: relay.url }], after: bench })
      bench.start()
      await put(messages(100, 200))
      await arrived(0, 200)

      expect(bench.arrivals).toHaveLength(200)
    })

    it('loses nothing over a killed relay', async () => {
      await open()
      bench.start()
      await whole()
      await put(messages(0, 20))
      await relay.kill()
      await down()
      await relay.start()
      await put(messages(20, 40))
      await arrived(0, 40)

      expect(bench.arrivals).toHaveLength(40)
    })

    it('is not silenced by an event dated far ahead', async () => {
      await open()
      bench.start()
      await whole()
      // Some relays take it and some don't; neither may stop what comes after.
      const junk = bench.peer.message('junk', { to: bench.me.key, at: 4_000_000_000 })
      await publishOnce(relay.url, [junk], { clock: systemClock(), timeoutMs: 30_000 })
      await relay.kill()
      await down()
      await relay.start()
      await put(messages(0, 10))
      await arrived(0, 10)
    })

    it('opens what is sealed for us', async () => {
      await open()
      bench.start()
      await whole()
      await put([await bench.peer.sealed(bench.me.key, 'for your eyes only')])
      await bench.watch.until(() => bench.arrivals.length === 1)

      expect(bench.arrivals[0]).toMatchObject({ road: 'nip44', confidential: true, text: 'for your eyes only' })
    })

    it('publishes, is told so, and another can read it', async () => {
      await open()
      bench.start()
      await bench.transport.whenOpen('public', never)
      const event = bench.me.message(1, { to: bench.peer.key })

      const answers = await bench.transport.publish(event, bench.transport.relaysFor('public'), never)

      expect(answers).toMatchObject([{ relay: relay.url, ok: true }])
      expect(bench.transport.status()[0]).toMatchObject({ published: 1, refused: 0 })
    })

    it("gives the relay's own words for an event that it refuses", async () => {
      await open()
      bench.start()
      await bench.transport.whenOpen('public', never)
      const forged = { ...bench.me.message(1), sig: bench.me.message(2).sig }

      const [answer] = await bench.transport.publish(forged, [relay.url], never)

      expect(answer).toMatchObject({ ok: false })
      expect(answer?.message).not.toBe('')
    })

    it('answers for a relay that is gone, and finds it again when it is back', async () => {
      await open()
      bench.start()
      await bench.transport.whenOpen('public', never)
      await relay.kill()
      await down()
      const event = bench.me.message(1)
      const [gone] = await bench.transport.publish(event, [relay.url], never)
      expect(gone).toMatchObject({ relay: relay.url, ok: false })

      await relay.start()
      await bench.transport.whenOpen('public', never)
      const [back] = await bench.transport.publish(event, [relay.url], never)
      expect(back).toMatchObject({ ok: true })
    })

    it('stops when it is told to, at any moment', async () => {
      await open()
      const stop = new AbortController()
      const run = bench.transport.run(stop.signal)
      await bench.transport.whenOpen('public', never)
      const answer = bench.transport.publish(bench.me.message(1), [relay.url], never)
      stop.abort()

      await run
      expect((await answer)[0]?.relay).toBe(relay.url)
      expect(bench.transport.status()[0]?.state).toBe('down')
    })
  })
}
