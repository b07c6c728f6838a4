import { mkdtempSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fault } from '../../../src/core/fault.js'
import type { JsonObject, UnixMs } from '../../../src/core/types.js'
import {
  CLIENT_LIMITS,
  connectKapnetd,
  type ClientLimits,
  type KapnetdClient,
} from '../../../src/local/kapnetd-client.js'
import type { Clock } from '../../../src/ports.js'
import { fakeDaemon } from '../../support/kapnetd.js'

/** Time passes when the test says so. */
const manualClock = (): Clock & { advance: (ms: number) => Promise<void> } => {
  let now = 0
  const sleepers = new Set<{ at: number; wake: () => void }>()
  return {
    now: () => now as UnixMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const sleeper = {
          at: now + ms,
          wake: () => {
            sleepers.delete(sleeper)
            signal?.removeEventListener('abort', sleeper.wake)
            resolve()
          },
        }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', sleeper.wake, { once: true })
      }),
    advance: async (ms) => {
      const end = now + ms
      for (;;) {
        const next = [...sleepers].sort((a, b) => a.at - b.at)[0]
        if (next === undefined || next.at > end) break
        now = next.at
        next.wake()
        // Let whoever was woken go to sleep again.
        await new Promise((resolve) => setImmediate(resolve))
      }
      now = end
    },
  }
}

describe('a connection to kapnetd', () => {
  let folder: string
  let socket: string
  let clock: ReturnType<typeof manualClock>
  let stop: AbortController
  let heard: JsonObject[]
  let reply: (line: JsonObject) => string | undefined
  let fake: Awaited<ReturnType<typeof fakeDaemon>>
  let notified: string[]
  let peer: Socket | undefined
  let onHeard: () => void

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'kapnetd-client-'))
    socket = join(folder, 'k.sock')
    clock = manualClock()
    stop = new AbortController()
    heard = []
    notified = []
    onHeard = () => undefined
    reply = (line) => answerTo(line)
    fake = await fakeDaemon(socket, (line, from) => {
      heard.push(line)
      peer = from
      const text = reply(line)
      if (text !== undefined) from.write(text)
      onHeard()
    })
  })
  afterEach(async () => {
    stop.abort()
    await fake.close()
    rmSync(folder, { recursive: true })
  })

  const answerTo = (line: JsonObject): string => JSON.stringify({ jsonrpc: '2.0', id: line['id'], result: {} }) + '\n'
  const connect = (limits: Partial<ClientLimits> = {}): Promise<KapnetdClient> =>
    connectKapnetd(
      { socket, clock, limits: { ...CLIENT_LIMITS, ...limits }, onNotification: (method) => notified.push(method) },
      stop.signal,
    )
  const untilHeard = (count: number): Promise<void> =>
    new Promise((resolve) => {
      onHeard = () => {
        if (heard.length >= count) resolve()
      }
      onHeard()
    })

  it('puts the params into the line as they are', async () => {
    const client = await connect()
    expect(await client.request('has', '{"ids":[ 1.0 ]}')).toEqual({ result: {} })
    expect(heard).toEqual([{ jsonrpc: '2.0', id: 1, method: 'has', params: { ids: [1] } }])
  })

  it('is told of notifications between answers', async () => {
    reply = (line) => '{"jsonrpc":"2.0","method":"txxm","params":{}}\n' + answerTo(line)
    const client = await connect()
    await client.request('hello', '{}')
    expect(notified).toEqual(['txxm'])
  })

  it('sends no more than the window, and one more for each answer', async () => {
    reply = () => undefined
    const client = await connect({ maxOutstanding: 3 })
    const all = Promise.all(Array.from({ length: 7 }, () => client.request('hello', '{}')))
    for (let answered = 0; answered < 7; answered++) {
      const open = Math.min(answered + 3, 7)
      await untilHeard(open)
      expect(heard).toHaveLength(open)
      peer?.write(answerTo(heard[answered]!))
    }
    expect(await all).toHaveLength(7)
  })

  it('refuses what its queue does not hold', async () => {
    reply = () => undefined
    const client = await connect({ maxOutstanding: 1, maxWaiting: 2 })
    const kept = [1, 2, 3].map(() => client.request('hello', '{}'))
    await expect(client.request('hello', '{}')).rejects.toThrow(/too many requests wait/)
    client.close('enough')
    for (const one of kept) await expect(one).rejects.toThrow('enough')
  })

  it('ends when the daemon was silent for the timeout, and not before', async () => {
    reply = () => undefined
    const client = await connect({ timeoutMs: 8_000 })
    const request = client.request('hello', '{}')
    const failure = expect(request).rejects.toThrow(new Fault('kapnetd', 'it was silent for 8000 ms'))
    await untilHeard(1)
    await clock.advance(8_000)
    expect(client.ended.aborted).toBe(false)
    await clock.advance(1_000)
    expect(client.ended.aborted).toBe(true)
    await failure
  })

  it('does not end for silence when nothing was asked', async () => {
    const client = await connect({ timeoutMs: 8_000 })
    await clock.advance(3_600_000)
    expect(client.ended.aborted).toBe(false)
    expect(await client.request('hello', '{}')).toEqual({ result: {} })
  })

  it('forgives an answer that is late, and only once', async () => {
    let lost: JsonObject = {}
    reply = (line) => {
      if (line['method'] !== 'lost') return answerTo(line)
      lost = line
      return undefined
    }
    const client = await connect({ timeoutMs: 8_000 })
    const timedOut = expect(client.request('lost', '{}')).rejects.toThrow('no answer within 8000 ms')
    await untilHeard(1)
    await clock.advance(4_000)
    await client.request('hello', '{}')
    await clock.advance(5_000)
    await timedOut
    reply = (line) => answerTo(lost) + answerTo(line)
    expect(await client.request('hello', '{}')).toEqual({ result: {} })
    await expect(client.request('hello', '{}')).rejects.toThrow(/answered request 1, which is not open/)
  })

  it('ends when too many requests were left without an answer', async () => {
    reply = (line) => (line['method'] === 'lost' ? undefined : answerTo(line))
    const client = await connect({ timeoutMs: 8_000, maxOutstanding: 3 })
    for (let i = 0; i < 4; i++) {
      const cancel = new AbortController()
      const request = client.request('lost', '{}', cancel.signal)
      cancel.abort()
      await expect(request).rejects.toThrow('stopping')
    }
    expect(client.ended.reason).toEqual(new Fault('kapnetd', 'it left 4 requests unanswered'))
  })

  it('never sends what was cancelled while it waited', async () => {
    reply = () => undefined
    const client = await connect({ maxOutstanding: 1 })
    const first = client.request('first', '{}')
    const cancel = new AbortController()
    const waiting = client.request('waiting', '{}', cancel.signal)
    cancel.abort()
    await expect(waiting).rejects.toThrow('stopping')
    await untilHeard(1)
    reply = answerTo
    client.close('enough')
    await expect(first).rejects.toThrow('enough')
    expect(heard.map((line) => line['method'])).toEqual(['first'])
    await expect(client.request('late', '{}', cancel.signal)).rejects.toThrow('enough')
  })

  it('leaves no listener behind on the signals that it was given', async () => {
    const cancel = new AbortController()
    const client = await connect()
    await Promise.all(Array.from({ length: 20 }, () => client.request('hello', '{}', cancel.signal)))
    expect(getEventListeners(cancel.signal, 'abort')).toHaveLength(0)
    client.close('enough')
    expect(getEventListeners(stop.signal, 'abort')).toHaveLength(0)
  })

  it('is not made where nobody listens, or after its signal has aborted', async () => {
    await expect(
      connectKapnetd(
        { socket: socket + 'x', clock, limits: CLIENT_LIMITS, onNotification: () => undefined },
        stop.signal,
      ),
    ).rejects.toThrow(/^no kapnetd answers on .*x: /)
    stop.abort()
    await expect(connect()).rejects.toBeInstanceOf(Fault)
  })
})
