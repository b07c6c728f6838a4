import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/**
 * Numbers in Prometheus' text format. Whoever counts keeps plain numbers; they are read when somebody asks, so that counting
 * costs an addition and a program that is not asked pays nothing else. Each program has a registry of its own: there is no
 * global one, and two relays in one process do not add up.
 */
export interface Metrics {
  /** Only ever grows. Names end with `_total`. */
  counter(name: string, help: string, read: () => number): void
  counters(name: string, help: string, label: string, read: () => Labelled): void
  gauge(name: string, help: string, read: () => number | undefined): void
  gauges(name: string, help: string, label: string, read: () => Readonly<Record<string, number | undefined>>): void
  histogram(name: string, help: string, counted: Counted): void
  /** For a guard: what is told, in the order of the page. */
  readonly names: readonly MetricName[]
  readonly contentType: string
  text(): Promise<string>
}

/** A value of the label, and the number for it. Few and known beforehand: never a key, an id, an address or a kind. */
export type Labelled = Readonly<Record<string, number>>

/** A histogram that somebody else keeps. */
export interface Counted {
  /** Upper bounds, ascending, each included. */
  readonly bounds: readonly number[]
  /** Of each range, and one more for what is above the last bound. */
  readonly counts: readonly number[]
  readonly sum: number
}

export interface MetricName {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  readonly help: string
}

export const openMetrics = (): Metrics => {
  const registry = new Registry()
  const registers = [registry]
  const names: MetricName[] = []

  const counters = (name: string, help: string, labels: readonly string[], add: (to: Counter) => void): void => {
    names.push({ name, type: 'counter', labels, help })
    new Counter({
      ...{ name, help, registers, labelNames: [...labels] },
      collect() {
        this.reset()
        add(this)
      },
    })
  }

  const gauges = (name: string, help: string, labels: readonly string[], put: (to: Gauge) => void): void => {
    names.push({ name, type: 'gauge', labels, help })
    new Gauge({
      ...{ name, help, registers, labelNames: [...labels] },
      collect() {
        this.reset()
        put(this)
      },
    })
  }

  return {
    counter: (name, help, read) => counters(name, help, [], (to) => to.inc(read())),
    counters: (name, help, label, read) =>
      counters(name, help, [label], (to) => {
        for (const [value, number] of Object.entries(read())) to.inc({ [label]: value }, number)
      }),
    gauge: (name, help, read) =>
      gauges(name, help, [], (to) => {
        const value = read()
        if (value === undefined) to.remove()
        else to.set(value)
      }),
    gauges: (name, help, label, read) =>
      gauges(name, help, [label], (to) => {
        for (const [value, number] of Object.entries(read()))
          if (number !== undefined) to.set({ [label]: value }, number)
      }),
    histogram: (name, help, counted) => {
      names.push({ name, type: 'histogram', labels: [], help })
      // The library's own counts by itself and can't be told a count: only what it answers is replaced.
      const get = (): Promise<ReturnType<typeof told>> => Promise.resolve(told(name, help, counted))
      Object.assign(new Histogram({ name, help, registers }), { get, getForPromString: get })
    },
    names,
    contentType: registry.contentType,
    text: () => registry.metrics(),
  }
}

/** As the library tells a histogram: ranges add up, and the last one is all. */
const told = (name: string, help: string, { bounds, counts, sum }: Counted) => {
  let below = 0
  const buckets = bounds.map((bound, i) => {
    below += counts[i] ?? 0
    return { metricName: `${name}_bucket`, labels: { le: String(bound) }, value: below }
  })
  const all = below + (counts[bounds.length] ?? 0)
  const values = [
    ...[...buckets, { metricName: `${name}_bucket`, labels: { le: '+Inf' }, value: all }],
    { metricName: `${name}_sum`, labels: {}, value: sum },
    { metricName: `${name}_count`, labels: {}, value: all },
  ]
  return { name, help, type: 'histogram', aggregator: 'sum', values }
}
