import { expect, it } from 'vitest'
import { exposeRelay } from '../../../relay/ops/exposition.js'
import { openMeters } from '../../../relay/ops/meters.js'
import { rowsOf, sectionOf } from './pages.js'

/** docs/metrics.md is what the relay tells. */

const { names } = exposeRelay(openMeters(), {
  subscriptions: () => 0,
  storedEvents: () => 0,
  fileBytes: () => ({ database: 0, wal: 0 }),
  bufferedBytes: () => 0,
  traffic: () => ({ received: 0, sent: 0 }),
  residentBytes: () => 0,
  loopLag: () => ({ '0.5': 0 }),
  startedAtSec: 0,
})

it('docs/metrics.md lists every metric of the relay, its type, its labels and what it says, in their order', () => {
  const held = names.map(({ name, type, labels, help }) => [
    `\`${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(' '),
    help,
  ])

  expect(rowsOf(sectionOf('docs/metrics.md', 'The relay').text)).toEqual(held)
})

it('names of metrics say what they count: counters end with _total, all begin with the program', () => {
  const wrong = names.filter(
    ({ name, type }) => !/^ksp_relay_[a-z_]+$/.test(name) || name.endsWith('_total') !== (type === 'counter'),
  )

  expect(wrong).toEqual([])
})

it('labels are few and known beforehand: nobody and nothing is named by one', () => {
  const labels = new Set(names.flatMap((metric) => metric.labels))

  expect([...labels].sort()).toEqual(['direction', 'file', 'from', 'prefix', 'quantile', 'reason'])
})
