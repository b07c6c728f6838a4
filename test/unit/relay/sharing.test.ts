import { describe, expect, it } from 'vitest'
import { openAllowance } from '../../../relay/session/allowance.js'
import { openGate } from '../../../relay/session/gate.js'
import { openMemory } from '../../../relay/session/memory.js'
import { openRates } from '../../../relay/session/rate.js'
import { bytesOfFilters, openRoom } from '../../../relay/session/room.js'
import { openToll } from '../../../relay/session/toll.js'
import { openTurns, SLICE_MS } from '../../../relay/session/turns.js'
import type { Pubkey, UnixSec } from '../../../src/core/types.js'

const wire = (): { said: string[]; pause: () => void; resume: () => void } => {
  const said: string[] = []
  return { said, pause: () => void said.push('pause'), resume: () => void said.push('resume') }
}

describe('the turns', () => {
  it('let one slice be worked on in each turn of the event loop, whoever waits longest first', async () => {
    const turns = openTurns()
    const log: string[] = []
    const work = async (name: string): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        await turns.next()
        log.push(name)
      }
    }
    let running = true
    const watch = (): void => {
      log.push('|')
      if (running) setImmediate(watch)
    }

    setImmediate(watch)
    await Promise.all([work('a'), work('b')])
    running = false

    expect(log.filter((name) => name !== '|').join('')).toBe('ababab')
    expect(log.join('')).not.toMatch(/[ab]{2}/)
  })

  it('cost nothing where nobody waits', async () => {
    const turns = openTurns()
    let turn = 'the same'
    setImmediate(() => (turn = 'another'))

    await turns.first()

    expect(turn).toBe('the same')
  })

  it('do not let many short answers make one long turn', async () => {
    let nowMs = 0
    const turns = openTurns(() => nowMs)
    let turn = 'the same'
    setImmediate(() => (turn = 'another'))
    const turnOfEach: string[] = []

    for (let answer = 0; answer < 3; answer++) {
      await turns.first()
      turnOfEach.push(turn)
      nowMs += SLICE_MS / 2
    }

    expect(turnOfEach).toEqual(['the same', 'the same', 'another'])
  })
})

describe('the memory for those who do not read', () => {
  const three = (
    max: number,
  ): {
    memory: ReturnType<typeof openMemory>
    holds: number[]
    cut: number[]
    note: (i: number, bytes: number) => void
  } => {
    const memory = openMemory(max)
    const holds = [0, 0, 0]
    const cut: number[] = []
    const held = holds.map((_, i) => memory.open({ measure: () => holds[i]!, cut: () => void cut.push(i) }))
    return {
      ...{ memory, holds, cut },
      note: (i, bytes) => {
        holds[i] = bytes
        held[i]!.note(bytes)
      },
    }
  }

  it('takes it from whoever holds most, and from no more than it must', () => {
    const { note, cut } = three(100)

    note(0, 30)
    note(1, 50)
    expect(cut).toEqual([])
    note(2, 25)

    expect(cut).toEqual([1])
  })

  it('looks first who has read meanwhile', () => {
    const { memory, note, holds, cut } = three(100)
    note(0, 60)
    holds[0] = 0
    note(1, 60)

    expect(cut).toEqual([])
    expect(memory.bytes).toBe(60)
  })

  it('finds what grew without a word when it is asked to look', () => {
    const { memory, holds, cut } = three(100)
    holds[2] = 1_000

    memory.check()

    expect(cut).toEqual([2])
    expect(memory.bytes).toBe(0)
  })

  it('forgets who has left', () => {
    const memory = openMemory(100)
    const held = memory.open({ measure: () => 90, cut: () => undefined })
    held.note(90)
    held.leave()
    held.note(90)

    expect(memory.bytes).toBe(0)
  })
})

describe('a room', () => {
  it('lends no more than it has, nor than the larger one around it', () => {
    const all = openRoom(100)
    const [one, other] = [openRoom(80, all), openRoom(80, all)]

    expect([one.take(81), one.take(60), one.take(30), other.take(50), other.take(40)]).toEqual([
      false,
      true,
      false,
      false,
      true,
    ])
    one.give(60)
    expect(other.take(40)).toBe(true)
    expect([all.used, one.used, other.used]).toEqual([80, 0, 80])
  })

  it('counts text and values of filters', () => {
    expect(bytesOfFilters([{ kinds: [1, 2], limit: 5 }, { authors: [] }], 100)).toBe(100 + 3 * 256)
  })
})

it('a gate is open only when nobody keeps it shut', () => {
  const { said, ...parts } = wire()
  const gate = openGate({ ...parts })
  gate.shut('toll')
  gate.shut('in-flight')
  gate.shut('toll')
  gate.open('toll')
  gate.open('toll')
  expect(said).toEqual(['pause'])
  gate.open('in-flight')
  expect(said).toEqual(['pause', 'resume'])
})

describe('the toll', () => {
  const tolled = (
    perSecond: number,
  ): {
    charge: (bytes: number, times?: number) => void
    pass: (ms: number) => void
    said: string[]
    opened: Promise<void>
  } => {
    let nowMs = 0
    const said: string[] = []
    let hear: () => void = () => undefined
    const opened = new Promise<void>((resolve) => (hear = resolve))
    const gate = {
      shut: () => void said.push('shut'),
      open: () => {
        said.push('open')
        hear()
      },
    }
    const toll = openToll(perSecond, gate, () => nowMs)
    return { ...{ said, opened }, charge: toll.charge, pass: (ms) => void (nowMs += ms) }
  }

  it('is ten seconds’ worth at once, then so much a second', () => {
    const { charge, pass, said } = tolled(10)
    for (let i = 0; i < 100; i++) charge(10)
    expect(said).toEqual([])
    pass(1_000)
    for (let i = 0; i < 10; i++) charge(10)
    expect(said).toEqual([])
    charge(10)
    expect(said).toEqual(['shut'])
  })

  it('is higher for a long message, and shuts the gate only until the debt is paid', async () => {
    const { charge, said, opened } = tolled(1_000)
    charge(16 * 1024 * 10_010)
    expect(said).toEqual(['shut'])
    charge(0)
    await opened
    expect(said).toEqual(['shut', 'open'])
  })

  it('of nothing a second is free', () => {
    const { charge, said } = tolled(0)
    for (let i = 0; i < 10_000; i++) charge(1_000_000)
    expect(said).toEqual([])
  })
})

describe('how often one may ask', () => {
  const limits = { maxReqsPerSec: 2, maxCountsPerSec: 1, maxSyncsPerSec: 1, maxAuthsPerSec: 1 }
  const now = (): UnixSec => 1_000 as UnixSec
  const taken = (refuse: () => unknown): number =>
    Array.from({ length: 50 }, refuse).filter((r) => r === undefined).length

  it('is counted for each type of question by itself', () => {
    const allowance = openAllowance(limits, { keys: new Set() }, openRates(0, 10, now), now)

    expect(taken(() => allowance.refuse('subscribe'))).toBe(20)
    expect(taken(() => allowance.refuse('count'))).toBe(10)
    expect(taken(() => allowance.refuse('sync'))).toBe(10)
    expect(taken(() => allowance.refuse('authenticate'))).toBe(10)
    expect(taken(() => allowance.refuse('unsubscribe'))).toBe(50)
    expect(allowance.refuse('subscribe')).toMatch(/^rate-limited: /)
  })

  it('is counted for a key on all its connections, however many keys one brings', () => {
    const ofKeys = openRates(1, 10, now)
    const [alice, bob] = ['a', 'b'] as Pubkey[]
    const unlimited = { maxReqsPerSec: 0, maxCountsPerSec: 0, maxSyncsPerSec: 0, maxAuthsPerSec: 0 }
    const one = openAllowance(unlimited, { keys: new Set([alice!]) }, ofKeys, now)
    const other = openAllowance(unlimited, { keys: new Set([alice!, bob!]) }, ofKeys, now)
    const stranger = openAllowance(unlimited, { keys: new Set() }, ofKeys, now)

    expect(taken(() => one.refuse('subscribe'))).toBe(10)
    expect(other.refuse('count')).toMatch(/^rate-limited: too often by this key/)
    expect(taken(() => stranger.refuse('subscribe'))).toBe(50)
  })
})
