import { expect, it } from 'vitest'
import { openMetrics } from '../../../src/ops/metrics.js'

it('reads counters and gauges when it is asked, and not before', async () => {
  let reads = 0
  let waiting = 1
  const metrics = openMetrics()
  metrics.counter('x_taken_total', 'Taken.', () => ++reads)
  metrics.gauge('x_waiting', 'Waiting.', () => waiting)

  waiting = 7
  const readBefore = reads
  const text = await metrics.text()

  expect(readBefore).toBe(0)
  expect(text).toContain('# TYPE x_taken_total counter\nx_taken_total 1\n')
  expect(text).toContain('# TYPE x_waiting gauge\nx_waiting 7\n')
  expect(await metrics.text()).toContain('x_taken_total 2\n')
})

it('tells one line for each value of a label, with its last number', async () => {
  const refused = { pow: 1, blocked: 0 }
  const metrics = openMetrics()
  metrics.counters('x_refused_total', 'Refused.', 'prefix', () => refused)
  metrics.gauges('x_bytes', 'Bytes.', 'file', () => ({ main: 4, wal: 2 }))

  refused.blocked = 3
  const text = await metrics.text()

  expect(text).toContain('x_refused_total{prefix="pow"} 1\nx_refused_total{prefix="blocked"} 3\n')
  expect(text).toContain('x_bytes{file="main"} 4\nx_bytes{file="wal"} 2\n')
})

it('leaves out a gauge that has no value now', async () => {
  const metrics = openMetrics()
  metrics.gauge('x_wal_bytes', 'Of a file that may not be there.', () => undefined)

  expect(await metrics.text()).not.toMatch(/^x_wal_bytes/m)
})

it('adds up the ranges of a histogram that somebody else keeps', async () => {
  const metrics = openMetrics()
  metrics.histogram('x_seconds', 'Long.', { bounds: [0.5, 1], counts: [2, 3, 1], sum: 9.5 })

  const text = await metrics.text()

  expect(text).toContain(
    [
      '# TYPE x_seconds histogram',
      'x_seconds_bucket{le="0.5"} 2',
      'x_seconds_bucket{le="1"} 5',
      'x_seconds_bucket{le="+Inf"} 6',
      'x_seconds_sum 9.5',
      'x_seconds_count 6',
      '',
    ].join('\n'),
  )
})

it('keeps the numbers of two programs in one process apart', async () => {
  const [one, other] = [openMetrics(), openMetrics()]
  one.gauge('x_waiting', 'Waiting.', () => 1)
  other.gauge('x_waiting', 'Waiting.', () => 2)

  expect(await one.text()).toContain('x_waiting 1\n')
  expect(await other.text()).toContain('x_waiting 2\n')
})
