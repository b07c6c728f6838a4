import { describe, expect, it } from 'vitest'
import { createSeen } from '../../../src/pipeline/seen.js'
import { sparingLog } from '../../../src/pipeline/sparing-log.js'
import { manualClock } from '../../support/manual-clock.js'
import { event, open } from '../store/build.js'
import { keptLog } from './build.js'

describe('what was seen', () => {
  it('is marked, for ever or in this generation', async () => {
    const store = open()
    let generation = 1
    const seen = createSeen(store.view, () => generation)
    await store.commit(() => ({
      marks: [{ id: event('taken') }, { id: event('refused'), code: 'untrusted-sender', generation: 1 }],
    }))
    const all = [event('taken'), event('refused'), event('new')]

    expect([...seen.among(all)]).toEqual([event('taken'), event('refused')])
    generation = 2
    expect([...seen.among(all)]).toEqual([event('taken')])
  })

  it('of a stranger is known until the configuration changes, and takes no more than so much memory', () => {
    let generation = 1
    const seen = createSeen(open().view, () => generation)
    for (let i = 0; i < 20_001; i++) seen.ofStranger(event(`s${i}`))

    expect([...seen.among([event('s0'), event('s1'), event('s20000')])]).toEqual([event('s1'), event('s20000')])
    generation = 2
    expect(seen.among([event('s1')]).size).toBe(0)
  })
})

describe('a sparing log', () => {
  it('tells a hundred at once, then five a second, and how many it did not tell', () => {
    const clock = manualClock()
    const log = keptLog()
    const sparing = sparingLog(log, 'inbound.refused', clock)
    for (let i = 0; i < 1_000; i++) sparing.info('inbound.refused', { i })
    expect(log.lines).toHaveLength(100)

    clock.advance(1_000)
    for (let i = 0; i < 1_000; i++) sparing.info('inbound.refused', { i })
    expect(log.lines).toHaveLength(105)
    expect(log.lines[100]?.fields).toEqual({ i: 0, untold: 900 })
  })

  it('keeps back nothing else', () => {
    const log = keptLog()
    const sparing = sparingLog(log, 'inbound.refused', manualClock())
    for (let i = 0; i < 200; i++) sparing.info('relay.open')
    sparing.warn('inbound.refused')
    sparing.error('x')
    sparing.debug('y')
    expect(log.lines).toHaveLength(203)
  })
})
