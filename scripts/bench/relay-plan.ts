import { rmSync } from 'node:fs'
import { urlOf } from './relay-contestants.js'
import type { Contestant, QuestionName } from './relay-contestants.js'
import type { EventsTask } from './relay-events.js'
import type { Measurement } from './relay-figures.js'
import { timeOfRow } from './relay-fill.js'
import type { InsertsTask } from './relay-inserts.js'
import type { LoadResult, LoadTask } from './relay-load.js'
import type { BenchOptions } from './relay-options.js'
import { copiedPlace, emptyPlace, fillOnce, sharedPlace } from './relay-places.js'
import type { Place } from './relay-places.js'
import type { Workplace } from './relay-workplace.js'
import { resultOf } from './relay-workplace.js'

/** Which figures are taken, of whom, in which order. */
export interface PlanParts {
  readonly workplace: Workplace
  readonly options: Pick<BenchOptions, 'events' | 'rows' | 'stores'>
  readonly contestants: readonly Contestant[]
  readonly native: boolean
  readonly progress: (words: string) => void
  /** Of node, for every relay of ours. */
  readonly flags?: readonly string[]
}

/** Events without an answer, over all connections. */
export const WINDOW = 500
export const SUBSCRIBERS = 20
export const RATE = 200
export const QUERY_LIMIT = 500
const QUERY_CONNECTIONS = 10
const QUERIES = 200
const SYNCS = 5
/** As many as the relay's own limit lets one sync compare, and some room. */
const MAX_SYNC_EVENTS = 400_000
const TOPIC = 'live'
const INSERT_BATCHES = [1_000, 500, 100] as const

export const planOf = (parts: PlanParts): Measurement[] => {
  const { workplace, options, progress } = parts
  const signed = signer(workplace, progress)
  const empty = emptyPlace(workplace)
  const small = copiedPlace(workplace, fillOnce(workplace, options.events, options.stores, progress))
  const large = sharedPlace(workplace, fillOnce(workplace, options.rows, options.stores, progress))
  const ask = (place: Place, question: QuestionName): Measurement[] =>
    parts.contestants
      // At a million, one engine is enough: what differs is the store.
      .filter(({ name, questions }) => questions.includes(question) && !(place.grows && name === 'wasm'))
      .map((contestant) => questionTo(parts, contestant, question, place, signed))
  return [
    ...(parts.native ? [raw(parts, signed)] : []),
    ...ask(empty, 'ingest_10'),
    ...ask(empty, 'ingest_1'),
    ...(['query', 'fan_out', 'paced', 'sync'] as const).flatMap((question) => ask(small, question)),
    ...INSERT_BATCHES.map((batch) => inserts(parts, small, batch)),
    ...(options.rows === 0
      ? []
      : [
          ...(['query', 'sync', 'ingest_10', 'fan_out', 'paced'] as const).flatMap((question) => ask(large, question)),
          ...INSERT_BATCHES.map((batch) => inserts(parts, large, batch)),
        ]),
  ]
}

type Signed = <T>(
  count: number,
  topic: string | undefined,
  anew: boolean,
  use: (file: string) => Promise<T>,
) => Promise<T>

/** Files of signed events: made once for each topic, or for one use where they must be new ones. */
const signer = (workplace: Workplace, progress: (words: string) => void): Signed => {
  const files = new Map<string, string>()
  const make = async (count: number, topic: string | undefined): Promise<string> => {
    const file = workplace.newFile('events.jsonl')
    progress(`signing ${count} events`)
    const task: EventsTask = { file, count, ...(topic === undefined ? {} : { topic }) }
    await resultOf(workplace, 'events', task)
    return file
  }
  return async (count, topic, anew, use) => {
    const name = `${topic ?? ''} ${count}`
    const file = (anew ? undefined : files.get(name)) ?? (await make(count, topic))
    if (!anew) files.set(name, file)
    try {
      return await use(file)
    } finally {
      if (anew) rmSync(file)
    }
  }
}

const raw = ({ workplace, options }: PlanParts, signed: Signed): Measurement => ({
  ...{ question: 'raw', contestant: 'libsecp256k1', stored: 0, events: options.events },
  measure: () => signed(options.events, undefined, false, (file) => resultOf<LoadResult>(workplace, 'raw', { file })),
})

const inserts = ({ workplace, options }: PlanParts, { stored, within }: Place, batch: number): Measurement => {
  const count = Math.max(batch, Math.floor(options.events / 2))
  return {
    ...{ question: `inserts_${batch}`, contestant: 'store', stored, events: count },
    measure: () =>
      within('fill', (db) =>
        resultOf<LoadResult>(workplace, 'inserts', { db, rows: stored, count, batch } satisfies InsertsTask),
      ),
  }
}

const questionTo = (
  parts: PlanParts,
  contestant: Contestant,
  question: QuestionName,
  place: Place,
  signed: Signed,
): Measurement => {
  const { events, ...task } = taskOf(question, parts.options.events, contestant.thinning, place.stored)
  const topic = task.topic === '' ? undefined : task.topic
  // One file serves all: who is sent less takes the first of them.
  const all = taskOf(question, parts.options.events, 1, place.stored).events
  return {
    ...{ question, contestant: contestant.name, stored: place.stored, events: events === 0 ? task.requests : events },
    measure: () =>
      place.within(contestant.fill, (db) => {
        const load = (file: string): Promise<LoadResult> =>
          measureLoad(parts, contestant, db, { ...task, events, file })
        return events === 0 ? load('') : signed(place.grows ? events : all, topic, place.grows, load)
      }),
  }
}

type Task = Omit<LoadTask, 'url' | 'pid' | 'file'>

/** What each question means in numbers, where an ingest has so many events. */
const taskOf = (question: QuestionName, events: number, thinning: number, stored: number): Task => {
  const nothing: Omit<Task, 'question'> = {
    ...{ events: 0, connections: 1, window: WINDOW, topic: '', subscribers: SUBSCRIBERS, rate: 0 },
    ...{ stored, requests: 0, limit: QUERY_LIMIT, since: 0, until: 0 },
  }
  const thin = (count: number): number => Math.ceil(count / thinning)
  switch (question) {
    case 'ingest_10':
      return { ...nothing, question: 'ingest', connections: 10, events: thin(events) }
    case 'ingest_1':
      return { ...nothing, question: 'ingest', events: thin(events) }
    case 'query': {
      // An author has no more than this in a small store.
      const limit = Math.min(QUERY_LIMIT, stored)
      return { ...nothing, question: 'query', connections: QUERY_CONNECTIONS, requests: thin(QUERIES), limit }
    }
    case 'fan_out':
      return { ...nothing, question: 'fanOut', topic: TOPIC, events: thin(events / 2) }
    case 'paced':
      return { ...nothing, question: 'fanOut', topic: TOPIC, rate: RATE, events: Math.ceil(events / 10) }
    case 'sync': {
      const first = Math.max(0, stored - MAX_SYNC_EVENTS)
      const [since, until] = [timeOfRow(first, stored), timeOfRow(stored, stored)]
      return { ...nothing, question: 'sync', requests: SYNCS, since, until }
    }
  }
}

/** One figure: the relay starts, is loaded, and ends. */
const measureLoad = async (
  { workplace, flags }: PlanParts,
  contestant: Contestant,
  db: string,
  task: Omit<LoadTask, 'url' | 'pid'>,
): Promise<LoadResult> => {
  const relay = contestant.start(workplace, db, flags)
  try {
    const url = await urlOf(relay)
    return await resultOf<LoadResult>(workplace, 'load', { ...task, url, pid: relay.pid })
  } finally {
    await relay.stop()
  }
}
