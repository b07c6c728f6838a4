import { resolve } from 'node:path'
import { Fault } from '../../src/core/fault.js'
import { matches, parseFilter } from '../../src/core/match.js'
import type { Filter } from '../../src/core/match.js'
import type { NostrEvent } from '../../src/core/types.js'
import { perform, refuseServed } from '../operator/at-work.js'
import { refuseOwnFile, refuseToOverwrite } from '../operator/whole-file.js'
import type { Row } from '../operator/rows.js'
import { count, shown } from '../options/readers.js'
import { given, list, open, wrong } from '../options/row.js'
import type { Reader } from '../options/row.js'
import { openPartFile } from './part-file.js'
import { DB, DEFAULT_DB, forceFlag, JSON_FLAG, verb, VERB_GROUP } from './verb.js'

const MAX_TIME = 1e11
const MAX_KINDS = 100

const filter: Reader<Filter> = (text) => {
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch {
    return wrong(`${shown(text)} is not JSON`)
  }
  const parsed = parseFilter(raw)
  if (!parsed.ok) return wrong(`is no filter: ${parsed.refusal.message}`)
  return parsed.value.limit === undefined ? parsed.value : wrong('takes no limit: an export is whole')
}

export const exportEvents = verb({
  name: 'export',
  summary: 'write the events as JSON lines, also while the relay runs',
  words: { needed: ['FILE|-'] },
  about: `Writes every event, one JSON line each, in the order in which they were stored, to a file or to stdout. Private kinds
are in it: the file is yours, mode 0600. An export that was killed goes on where it was when it is run again; FILE gets
its name when it is whole. What was deleted, and who vanished, is known to a relay beyond the events that said so: only
backup carries that.`,
  options: {
    db: DB,
    filter: open('JSON', filter, { about: 'only what this filter (NIP-01) matches', group: VERB_GROUP }),
    since: open('SECONDS', count(0, MAX_TIME), { about: 'only created then or later', group: VERB_GROUP }),
    until: open('SECONDS', count(0, MAX_TIME), { about: 'only created then or before', group: VERB_GROUP }),
    kind: list('KIND', count(0, 65_535), MAX_KINDS, {
      about: 'only this kind; may be given several times',
      group: VERB_GROUP,
    }),
    after: given('SEQ', count(0, Number.MAX_SAFE_INTEGER), '0', {
      about: 'only what was stored after the event of this number, which an earlier export told as its last',
      group: VERB_GROUP,
    }),
    force: forceFlag('replace FILE where it exists'),
    json: JSON_FLAG,
  },
  example: 'ksp relay export events.jsonl --db /var/lib/ksp/relay.sqlite',
  run: async ({ values, words: [name = ''], voice, signal }) => {
    const file = resolve(values.db ?? DEFAULT_DB)
    const { since, until, kind: kinds, after: begin } = values
    const all: Filter[] = [
      ...(values.filter === undefined ? [] : [values.filter]),
      ...(since === undefined ? [] : [{ since } as Filter]),
      ...(until === undefined ? [] : [{ until } as Filter]),
      ...(kinds.length === 0 ? [] : [{ kinds }]),
    ]
    const wanted = ([, json]: Row): boolean => {
      if (all.length === 0) return true
      const event = JSON.parse(json) as NostrEvent
      return all.every((one) => matches(one, event))
    }
    const toStdout = name === '-'
    if (toStdout && values.json) throw new Fault('options', '--json and - both want stdout: leave out one')
    const target = resolve(name)
    if (!toStdout) {
      for (const path of [target, `${target}.part`]) refuseOwnFile(path, file)
      refuseToOverwrite(target, values.force)
      await refuseServed(target)
    }
    const part = toStdout ? undefined : await openPartFile(target, JSON.stringify({ file, all, begin }))
    const resumed = (part?.reached.after ?? 0) > 0
    let [events, last] = [part?.reached.events ?? 0, Math.max(begin, part?.reached.after ?? 0)]

    const write = async (rows: readonly Row[]): Promise<void> => {
      const lastRow = rows.at(-1)
      if (lastRow === undefined) return
      const lines = rows.filter(wanted).map(([, json]) => `${json}\n`)
      events += lines.length
      last = lastRow[0]
      if (part === undefined) await voice.write(lines.join(''))
      else {
        const { id } = JSON.parse(lastRow[1]) as NostrEvent
        await part.append(lines.join(''), { events, after: last, was: id })
      }
      voice.progress(`${events} events, number ${last}`)
    }
    const run = async (after: number, was: string | undefined): Promise<boolean> => {
      const params = { after, ...(was === undefined ? {} : { was }) }
      // Also of a damaged file: what can be read is saved.
      const { result } = await perform('rows', {
        ...{ file, params, signal, salvage: true },
        take: (item) => write(item as readonly Row[]),
      })
      return (result as { again: boolean }).again
    }

    try {
      const again = await run(last, part?.reached.was)
      if (again && part !== undefined) {
        await part.restart()
        ;[events, last] = [0, begin]
        await run(last, undefined)
      }
      await part?.finish()
    } finally {
      await part?.close()
    }
    const summary = { ...(toStdout ? {} : { file: target }), events, last, resumed }
    if (values.json) voice.print(JSON.stringify(summary))
    else
      voice.say(
        `${events} events written${resumed ? ', going on from an earlier run' : ''}; the last has number ${last}`,
      )
    return 0
  },
})
