import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fault } from '../../../src/core/fault.js'
import type { RelayUrl } from '../../../src/core/types.js'
import { openEngine } from '../../../src/crypto/engine.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'
import { systemClock } from '../../../src/ops/system.js'
import { fetchEvents, publishOnce } from '../../../src/transports/fetch.js'
import { startOddRelay, type OddRelay } from '../../support/odd-relay.js'
import { partyOf, type Party } from '../../support/transport-bench.js'

describe('one question to one relay', () => {
  let relay: OddRelay
  let me: Party
  const o = { clock: systemClock(), timeoutMs: 5_000, hashes: nodeHashes }
  const nowhere = 'ws://127.0.0.1:1' as RelayUrl
  beforeEach(async () => {
    relay = await startOddRelay()
    me = partyOf(await openEngine(), 'alpha')
  })
  afterEach(() => relay.stop())

  it('publishes and reads back', async () => {
    const events = [me.message(1), me.message(2), me.message(3)]

    const answers = await publishOnce(relay.url, events, o)
    const found = await fetchEvents(relay.url, [{ ids: [events[0]!.id] }, { authors: [me.key], kinds: [30078] }], o)

    expect(answers.map((a) => a.ok)).toEqual([true, true, true])
    expect(new Set(found)).toEqual(new Set(events))
    expect(found).toHaveLength(3)
  })

  it('leaves out what was not asked for and what is not what it says', async () => {
    const event = me.message(1)
    relay.events.push(event, { ...me.message(2), content: 'changed' })
    expect(await fetchEvents(relay.url, [{ kinds: [30078] }], o)).toEqual([event])
  })

  it('answers AUTH for both, where it has a signer', async () => {
    relay.manners.auth = true
    const event = me.message(1)
    expect(await publishOnce(relay.url, [event], { ...o, signer: me })).toMatchObject([{ ok: true }])
    expect(await fetchEvents(relay.url, [{ kinds: [30078] }], { ...o, signer: me })).toEqual([event])

    await expect(fetchEvents(relay.url, [{ kinds: [30078] }], o)).rejects.toThrow('auth-required')
    expect(await publishOnce(relay.url, [event], o)).toMatchObject([
      { ok: false, message: 'auth-required: who are you' },
    ])
  })

  it('fails in one line when the relay is away, refuses, breaks off or never ends', async () => {
    await expect(fetchEvents(nowhere, [{}], o)).rejects.toThrow(Fault)
    expect(await publishOnce(nowhere, [me.message(1)], o)).toMatchObject([{ relay: nowhere, ok: false }])

    relay.manners.closeNext = ['blocked: no']
    await expect(fetchEvents(relay.url, [{}], o)).rejects.toThrow('refused: blocked: no')

    relay.manners.eose = false
    await expect(fetchEvents(relay.url, [{}], { ...o, timeoutMs: 100 })).rejects.toThrow('within 100 ms')

    const broken = fetchEvents(relay.url, [{}], o)
    const asked = relay.requests.length
    void relay.watch.until(() => relay.requests.length > asked).then(() => relay.drop())
    await expect(broken).rejects.toThrow('closed by the relay')
  })

  it('keeps the answers that came when one did not', async () => {
    const events = [me.message(1), me.message(2)]
    relay.manners.answer = (event) => (event.id === events[1]!.id ? undefined : [true, ''])
    const answers = await publishOnce(relay.url, events, { ...o, timeoutMs: 200 })
    expect(answers).toMatchObject([{ ok: true }, { ok: false, message: 'no answer within 200 ms' }])
  })

  it('stops when it is told to', async () => {
    relay.manners.eose = false
    const stop = new AbortController()
    const asked = fetchEvents(relay.url, [{}], { ...o, signal: stop.signal })
    void relay.watch.until(() => relay.requests.length > 0).then(() => stop.abort())
    await expect(asked).rejects.toThrow(Fault)
  })
})
