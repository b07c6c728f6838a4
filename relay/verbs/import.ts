import { createReadStream } from 'node:fs'
import { checkEventShape } from '../../src/core/event.js'
import { Fault, reasonOf } from '../../src/core/fault.js'
import { DEFAULT_LIMITS } from '../limits.js'
import { OPTIONS } from '../options.js'
import { count } from '../options/readers.js'
import { flag, given, open, wrong } from '../options/row.js'
import { isServed } from '../operator/at-work.js'
import { normalRelayUrl } from '../server/place.js'
import type { Verdict } from '../session/answers.js'
import type { Voice } from '../voice.js'
import { fileJudge, wireJudge } from './judge.js'
import type { Judge } from './judge.js'
import { linesOf } from './lines.js'
import type { FileLine } from './lines.js'
import { DB, DEFAULT_DB, JSON_FLAG, verb, VERB_GROUP } from './verb.js'

/** About a thousand events are checked and written together. */
const PIECE_BYTES = 1024 * 1024
/** Lines told one by one; the others are only counted. */
const MAX_TOLD = 20
/** Different reasons counted apart. */
const MAX_REASONS = 50

export interface ImportSummary {
  readonly read: number
  readonly stored: number
  readonly duplicate: number
  readonly refused: number
  readonly reasons: Readonly<Record<string, number>>
  /** All up to this one have their answer, and are on the disk where they were taken. */
  readonly lastLine: number
  readonly complete: boolean
}

export const importEvents = verb({
  name: 'import',
  summary: 'take events from a file of JSON lines',
  words: { needed: ['FILE|-'] },
  about: `Takes events from a file of JSON lines, one event a line, or from stdin. Every event is checked as if a client sent it,
but that protected ones (NIP-70) are taken, since you vouch for the file; requests to vanish must name a --public-url or
all relays. What is there already is skipped, so an import that was interrupted is simply run again.
Exit code 1: something was refused, or it was interrupted.`,
  options: {
    db: DB,
    from: given('LINE', count(1, 1e12), '1', { about: 'begin with this line', group: VERB_GROUP }),
    to: open('URL', (text) => (normalRelayUrl(text) === undefined ? wrong('needs a ws:// or wss:// URL') : text), {
      about: 'into the relay that runs there, over the wire and by its rules, instead of into a file',
      group: VERB_GROUP,
    }),
    lenient: flag({ about: 'end with 0 although lines were refused', group: VERB_GROUP }),
    json: JSON_FLAG,
    'public-url': { ...OPTIONS['public-url'], group: VERB_GROUP },
    'allow-write': { ...OPTIONS['allow-write'], group: VERB_GROUP, about: 'take only events of the keys in FILE' },
    'allow-kapnet': { ...OPTIONS['allow-kapnet'], group: VERB_GROUP },
    'min-pow': { ...OPTIONS['min-pow'], group: VERB_GROUP },
    engine: { ...OPTIONS.engine, group: VERB_GROUP },
  },
  example: 'ksp relay import events.jsonl --db /var/lib/ksp/relay.sqlite',
  run: async ({ values, words, voice, signal }) => {
    const [name = ''] = words
    const db = values.db ?? DEFAULT_DB
    if (values.to === undefined && (await isServed(db))) {
      throw new Fault('relay', `a relay has ${db} open: stop it, or import into it with --to ws://HOST:PORT`)
    }
    const judge =
      values.to === undefined
        ? await fileJudge({
            ...{ db, engine: values.engine, minPow: values['min-pow'], publicUrls: values['public-url'] },
            ...{ allowWrite: values['allow-write'], allowKapnet: values['allow-kapnet'] },
          })
        : await wireJudge(values.to)
    let summary: ImportSummary
    try {
      summary = await importAll(name, values.from, judge, voice, signal)
    } finally {
      await judge.close()
    }
    if (values.json) voice.print(JSON.stringify(summary))
    else {
      const { read, stored, duplicate, refused } = summary
      voice.print(`${read} events read: ${stored} stored, ${duplicate} there already, ${refused} refused`)
      for (const [reason, times] of Object.entries(summary.reasons)) voice.print(`  ${times} x ${reason}`)
    }
    if (!summary.complete) {
      voice.say(`interrupted after line ${summary.lastLine}: go on with --from ${summary.lastLine + 1}`)
      return 1
    }
    return summary.refused > 0 && !values.lenient ? 1 : 0
  },
})

const importAll = async (
  name: string,
  from: number,
  judge: Judge,
  voice: Voice,
  signal: AbortSignal,
): Promise<ImportSummary> => {
  const counts = { read: 0, stored: 0, duplicate: 0, refused: 0, lastLine: from - 1 }
  const reasons = new Map<string, number>()
  const tell = (line: FileLine, verdict: Verdict): void => {
    counts.read++
    counts.lastLine = line.number
    if (verdict.accepted) {
      if (verdict.reason === '') counts.stored++
      else counts.duplicate++
      return
    }
    counts.refused++
    if (counts.refused <= MAX_TOLD) voice.say(`line ${line.number}: ${verdict.reason}`)
    if (counts.refused === MAX_TOLD + 1) voice.say('more lines are refused, and only counted')
    const known = reasons.has(verdict.reason) || reasons.size < MAX_REASONS
    const reason = known ? verdict.reason : 'others'
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  }

  const source = name === '-' ? process.stdin : createReadStream(name, { highWaterMark: PIECE_BYTES })
  let complete = true
  // What is being checked and written is finished; what is not read yet is not read.
  const stop = (): void => void source.destroy()
  signal.addEventListener('abort', stop, { once: true })
  try {
    for await (const lines of linesOf(source as AsyncIterable<Uint8Array>, DEFAULT_LIMITS.maxMessageBytes)) {
      const wanted = lines.filter(({ number }) => number >= from)
      const verdicts = await Promise.all(wanted.map((line) => verdictOn(line, judge)))
      for (const [i, line] of wanted.entries()) {
        const verdict = verdicts[i]
        if (verdict === undefined) continue
        if (verdict.reason.startsWith('error:')) {
          throw new Fault('relay', `line ${line.number}: ${verdict.reason}; then go on with --from ${line.number}`)
        }
        tell(line, verdict)
      }
      voice.progress(
        `line ${counts.lastLine}: ${counts.stored} stored, ${counts.duplicate} there, ${counts.refused} refused`,
      )
      if (signal.aborted) {
        complete = false
        break
      }
    }
  } catch (error) {
    if (error instanceof Fault) throw error
    if (signal.aborted) complete = false
    else throw new Fault('relay', `cannot read ${name}: ${reasonOf(error)}`, { cause: error })
  } finally {
    signal.removeEventListener('abort', stop)
  }
  return { ...counts, reasons: Object.fromEntries(reasons), complete }
}

const verdictOn = async (line: FileLine, judge: Judge): Promise<Verdict> => {
  if ('wrong' in line) return { accepted: false, reason: line.wrong as Verdict['reason'] }
  let raw: unknown
  try {
    raw = JSON.parse(line.text)
  } catch {
    return { accepted: false, reason: 'invalid: the line is not JSON' }
  }
  const shaped = checkEventShape(raw)
  if (!shaped.ok) return { accepted: false, reason: `invalid: ${shaped.refusal.message}` }
  return judge.submit(shaped.value, line.bytes)
}
