import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Fault } from '../../src/core/fault.js'
import { REFUSAL_CODES } from '../../src/core/refusal.js'
import type { MessageId } from '../../src/core/types.js'
import type { LocalPort, Message } from '../../src/ports.js'

/** What a local port is tested against: the other side, real, which can be stopped and started. */
export interface PortBench {
  readonly port: LocalPort
  /** Starts the other side; the same one, with what it held. */
  start(): Promise<void>
  /** Takes the other side away without a word. */
  kill(): Promise<void>
  /** Which of these the other side holds. */
  holds(ids: readonly MessageId[]): Promise<MessageId[]>
  /** A message that the other side takes; each time another. */
  message(): Message
  /** A message that it refuses for good. */
  refused(): Message
  close(): Promise<void>
}

/** The suite that every local port runs. `setup` gives a bench whose other side is not started yet. */
export const localPortContract = (name: string, setup: () => Promise<PortBench>): void => {
  describe(`${name}, as a local port`, () => {
    let bench: PortBench
    let stop: AbortController
    let running: Promise<void>

    beforeEach(async () => {
      bench = await setup()
      stop = new AbortController()
      running = Promise.resolve()
    })
    afterEach(async () => {
      stop.abort()
      await running
      await bench.close()
    })

    const run = (): void => {
      running = bench.port.run(stop.signal)
    }
    const open = async (): Promise<void> => {
      await bench.start()
      run()
      await bench.port.whenOpen(stop.signal)
    }
    const deliver = (message: Message): ReturnType<LocalPort['deliver']> => bench.port.deliver(message, stop.signal)

    it('rejects with a Fault before it is open', async () => {
      await expect(deliver(bench.message())).rejects.toBeInstanceOf(Fault)
      expect(bench.port.status()).toMatchObject({ name: bench.port.name, state: 'connecting' })
    })

    it('is open once the other side has answered, and says who that is', async () => {
      await open()
      const status = bench.port.status()
      expect(status.state).toBe('open')
      expect(Object.keys(status.peer ?? {})).not.toHaveLength(0)
    })

    it('finds an other side that starts later', async () => {
      run()
      await vi.waitFor(() => expect(bench.port.status().state).toBe('down'))
      expect(bench.port.status().reason).not.toBe('')
      await bench.start()
      await bench.port.whenOpen(stop.signal)
      expect(await deliver(bench.message())).toBe('accepted')
    })

    it('delivers a message, and calls it a duplicate the second time', async () => {
      await open()
      const message = bench.message()
      expect(await deliver(message)).toBe('accepted')
      expect(await bench.holds([message.id])).toEqual([message.id])
      expect(await deliver(message)).toBe('duplicate')
    })

    it('delivers many at once', async () => {
      await open()
      const messages = Array.from({ length: 300 }, () => bench.message())
      const answers = await Promise.all(messages.map(deliver))
      expect(new Set(answers)).toEqual(new Set(['accepted']))
      expect(await bench.holds(messages.map((m) => m.id))).toHaveLength(300)
    })

    it('gives the refusal of the other side as a value', async () => {
      await open()
      const answer = await deliver(bench.refused())
      expect(answer).toMatchObject({ code: 'local-rejected' })
      expect(typeof answer === 'object' && REFUSAL_CODES.includes(answer.code)).toBe(true)
      expect(typeof answer === 'object' && answer.message.length).toBeLessThanOrEqual(200)
      expect(await deliver(bench.message())).toBe('accepted')
    })

    it('says that it is down when the other side is gone, and comes back by itself', async () => {
      await open()
      const before = bench.message()
      await deliver(before)
      await bench.kill()
      await vi.waitFor(() => expect(bench.port.status().state).toBe('down'))
      await expect(deliver(bench.message())).rejects.toBeInstanceOf(Fault)
      await bench.start()
      await bench.port.whenOpen(stop.signal)
      expect(bench.port.status().state).toBe('open')
      expect(await deliver(before)).toBe('duplicate')
      expect(await deliver(bench.message())).toBe('accepted')
    })

    it('never leaves a delivery without an answer when the other side dies under it', async () => {
      await open()
      const under = Array.from({ length: 200 }, () => deliver(bench.message()))
      const settled = Promise.allSettled(under)
      await bench.kill()
      for (const one of await settled) {
        if (one.status === 'fulfilled') expect(one.value).toBe('accepted')
        else expect(one.reason).toBeInstanceOf(Fault)
      }
    })

    it('gives up a delivery that is cancelled, and goes on with the others', async () => {
      await open()
      const cancel = new AbortController()
      const cancelled = bench.port.deliver(bench.message(), cancel.signal)
      cancel.abort()
      await expect(cancelled).rejects.toBeInstanceOf(Fault)
      expect(await deliver(bench.message())).toBe('accepted')
    })

    it('ends its run when it is told to, and whoever waits for it is let go', async () => {
      await open()
      stop.abort()
      await running
      await bench.port.whenOpen(stop.signal)
      expect(bench.port.status().state).not.toBe('open')
      await expect(deliver(bench.message())).rejects.toBeInstanceOf(Fault)
    })

    it('ends its run while the other side is away', async () => {
      run()
      stop.abort()
      await expect(running).resolves.toBeUndefined()
    })
  })
}
