import { getEventListeners } from 'node:events'
import { describe, expect, it } from 'vitest'
import { createAbortWatch } from '../../../src/local/abort-watch.js'

describe('watching a signal for many', () => {
  it('puts one listener on it, and takes it off with the last who waits', () => {
    const { signal } = new AbortController()
    const watch = createAbortWatch()
    const callOffs = Array.from({ length: 100 }, () => watch.on(signal, () => undefined))
    expect(getEventListeners(signal, 'abort')).toHaveLength(1)
    for (const callOff of callOffs) callOff()
    expect(getEventListeners(signal, 'abort')).toHaveLength(0)
  })

  it('calls everyone who still waits, once', () => {
    const controller = new AbortController()
    const watch = createAbortWatch()
    const called: string[] = []
    const offA = watch.on(controller.signal, () => {
      called.push('a')
      offA()
    })
    const offB = watch.on(controller.signal, () => called.push('b'))
    watch.on(controller.signal, () => called.push('c'))
    offB()
    controller.abort()
    offA()
    expect(called).toEqual(['a', 'c'])
  })

  it('keeps signals apart', () => {
    const [one, two] = [new AbortController(), new AbortController()]
    const watch = createAbortWatch()
    const called: number[] = []
    watch.on(one.signal, () => called.push(1))
    watch.on(two.signal, () => called.push(2))
    two.abort()
    expect(called).toEqual([2])
  })
})
