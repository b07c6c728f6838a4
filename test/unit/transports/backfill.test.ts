import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Filter } from '../../../src/core/match.js'
import { backfill, type Asked, type Page } from '../../../src/transports/backfill.js'

interface Stored {
  readonly id: string
  readonly created_at: number
  readonly author: string
}

/** A relay as it should be, but for the size of its pages. It keeps what it was asked. */
const relayOf = (
  events: readonly Stored[],
  maxPage: number,
  change: (page: Page, asked: number) => Asked = (page) => page,
): { ask: (f: Filter) => Promise<Asked>; asked: Filter[]; found: Set<string> } => {
  const asked: Filter[] = []
  const found = new Set<string>()
  return {
    asked,
    found,
    ask: (f) => {
      asked.push(f)
      const inWindow = events
        .filter((e) => e.created_at >= (f.since ?? 0) && e.created_at <= (f.until ?? Infinity))
        .filter((e) => f.authors === undefined || f.authors.includes(e.author))
        .sort((a, b) => b.created_at - a.created_at || (a.id < b.id ? -1 : 1))
        .slice(0, Math.min(maxPage, f.limit ?? maxPage))
      const page = change({ events: inWindow, whole: true }, asked.length)
      if (page !== 'refused') for (const e of page.events) found.add(e.id)
      return Promise.resolve(page)
    },
  }
}
const window = { filter: { kinds: [30078] }, since: 1_000, until: 2_000, limit: 500, maxPages: 1_000 }
const at = (created_at: number, id: string | number, author = 'x'): Stored => ({ id: String(id), created_at, author })

describe('backfill', () => {
  it('finds everything in the window, whatever the pages and the dates are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 990, max: 2_010 }), { maxLength: 60 }),
        fc.integer({ min: 1, max: 20 }),
        async (dates, room) => {
          const events = dates.map((date, i) => at(date, i))
          const mostInOneSecond = Math.max(1, ...dates.map((d) => dates.filter((x) => x === d).length))
          const relay = relayOf(events, Math.max(room, mostInOneSecond))

          const whole = await backfill({ ...window, ask: relay.ask })

          expect(whole).toBe(true)
          const wanted = events.filter((e) => e.created_at >= 1_000 && e.created_at <= 2_000).map((e) => e.id)
          expect(relay.found).toEqual(new Set(wanted))
        },
      ),
    )
  })

  it('never asks with an exclusive end, so a page cut within a second loses nothing of it', async () => {
    const relay = relayOf([at(1_500, 'a'), at(1_400, 'b'), at(1_400, 'c'), at(1_300, 'd')], 2)
    await backfill({ ...window, ask: relay.ask })
    expect(relay.asked.map((f) => f.until)).toEqual([2_000, 1_400, 1_400, 1_399, 1_300, 1_299])
    expect(relay.found).toEqual(new Set(['a', 'b', 'c', 'd']))
  })

  it('reads a second that is too crowded for a page one author at a time', async () => {
    const crowd = Array.from({ length: 30 }, (_, i) => at(1_500, `a${i}`, 'junk'))
    const relay = relayOf([...crowd, at(1_500, 'z', 'peer'), at(1_200, 'old', 'peer')], 10)

    await backfill({ ...window, narrower: [{ kinds: [30078], authors: ['peer'] }], ask: relay.ask })

    expect(relay.found.has('z')).toBe(true)
    expect(relay.found.has('old')).toBe(true)
  })

  it.each([
    ['and something is older', [at(1_200, 'old')]],
    ['and nothing is older', []],
  ])('reads all that a sender in a hurry made in one second, %s', async (_, older) => {
    // As after an outage: a peer has sent a thousand messages in a second, and a page holds five hundred.
    const burst = Array.from({ length: 1_234 }, (_, i) => at(1_500, `b${i}`, 'peer'))
    const relay = relayOf([...burst, ...older], 5_000)

    const whole = await backfill({ ...window, narrower: [{ kinds: [30078], authors: ['peer'] }], ask: relay.ask })

    expect(whole).toBe(true)
    expect(relay.found.size).toBe(burst.length + older.length)
    expect(relay.asked.length).toBeLessThan(10)
  })

  it('reads several such seconds, one after the other', async () => {
    const bursts = Array.from({ length: 3_000 }, (_, i) => at(1_500 + (i % 3), `b${i}`, 'peer'))
    const relay = relayOf(bursts, 5_000)
    await backfill({ ...window, ask: relay.ask })
    expect(relay.found.size).toBe(3_000)
  })

  it('asks by author where a longer page is refused or brings nothing more', async () => {
    const crowd = Array.from({ length: 300 }, (_, i) => at(1_500, `a${i}`, 'junk'))
    const relay = relayOf([...crowd, at(1_500, 'z', 'peer')], 100)
    const ask = (f: Filter): Promise<Asked> => ((f.limit ?? 0) > 500 ? Promise.resolve('refused') : relay.ask(f))

    const whole = await backfill({ ...window, narrower: [{ kinds: [30078], authors: ['peer'] }], ask })

    expect(whole).toBe(true)
    expect(relay.found.has('z')).toBe(true)
  })

  it('does not ask authors one by one when nothing is older', async () => {
    const relay = relayOf([at(1_500, 'a'), at(1_500, 'b')], 10)
    await backfill({ ...window, narrower: [{ kinds: [30078], authors: ['peer'] }], ask: relay.ask })
    expect(relay.asked.every((f) => f.authors === undefined)).toBe(true)
  })

  it('is moved by no event from outside the window', async () => {
    const outside = [at(4e9, 'far'), at(999, 'before'), at(0, 'long ago')]
    const relay = relayOf([at(1_500, 'a'), at(1_200, 'b'), at(1_100, 'c')], 1, (page) => ({
      ...page,
      events: [...outside, ...page.events],
    }))
    expect(await backfill({ ...window, ask: relay.ask })).toBe(true)
    expect(relay.found).toEqual(new Set(['a', 'b', 'c', 'far', 'before', 'long ago']))
  })

  it('uses a page without EOSE, goes on, and is not whole', async () => {
    const relay = relayOf([at(1_500, 'a'), at(1_400, 'b'), at(1_300, 'c')], 1, (page, n) => ({
      ...page,
      whole: n !== 2,
    }))
    expect(await backfill({ ...window, ask: relay.ask })).toBe(false)
    expect(relay.found).toEqual(new Set(['a', 'b', 'c']))
  })

  it('ends where it is refused, and is not whole', async () => {
    const relay = relayOf([at(1_500, 'a'), at(1_400, 'b')], 1, (page, n) => (n === 2 ? 'refused' : page))
    expect(await backfill({ ...window, ask: relay.ask })).toBe(false)
    expect(relay.asked).toHaveLength(2)
  })

  it('ends after so many pages with a relay that makes up new events without end', async () => {
    let made = 0
    const ask = (f: Filter): Promise<Asked> =>
      Promise.resolve({ events: [at(f.until ?? 0, `new${made++}`)], whole: true })
    expect(await backfill({ ...window, maxPages: 50, ask })).toBe(false)
    expect(made).toBe(50)
  })

  it('ends with a relay that always sends the same, whatever it is asked', async () => {
    const same = [at(1_900, 'a'), at(1_800, 'b'), at(1_800, 'c')]
    let asked = 0
    const ask = (): Promise<Asked> => {
      asked++
      return Promise.resolve({ events: same, whole: true })
    }
    expect(await backfill({ ...window, ask })).toBe(true)
    expect(asked).toBeLessThan(10)
  })
})
