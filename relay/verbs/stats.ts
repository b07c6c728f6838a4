import { perform } from '../operator/at-work.js'
import type { Survey } from '../operator/survey.js'
import { DB, DEFAULT_DB, JSON_FLAG, verb } from './verb.js'

export const stats = verb({
  name: 'stats',
  summary: 'say what the file holds',
  words: { needed: [] },
  about: `Says what the relay's file holds: events by kind, how old they are, what is deleted, how much room it takes. A running
relay counts itself and goes on serving.`,
  options: { db: DB, json: JSON_FLAG },
  example: 'ksp relay stats --db /var/lib/ksp/relay.sqlite',
  run: async ({ values, voice, signal }) => {
    const { result, online } = await perform('survey', { file: values.db ?? DEFAULT_DB, signal })
    const survey = result as Survey
    if (values.json) voice.print(JSON.stringify({ ...survey, online }))
    else for (const line of linesOn(survey)) voice.print(line)
    return 0
  },
})

const TOP = 10

const linesOn = (survey: Survey): string[] => {
  const { classes, kinds, tombstones, file } = survey
  const date = (sec: number | undefined): string =>
    sec === undefined || Math.abs(sec) > 8e12 ? '-' : new Date(sec * 1_000).toISOString().slice(0, 19)
  const more = kinds.length - TOP + survey.otherKinds
  return [
    row('events', survey.events),
    row(
      'by class',
      `regular ${classes.regular}, replaceable ${classes.replaceable}, addressable ${classes.addressable}`,
    ),
    ...kinds.slice(0, TOP).map(({ kind, events }) => row(`  kind ${kind}`, events)),
    ...(more > 0 ? [`  and ${more} other kinds`] : []),
    row('oldest, newest', `${date(survey.oldest)}, ${date(survey.newest)}`),
    row('expired', `${survey.expired} wait to be taken off the disk`),
    row('vanishing', `${survey.vanishing} requests are being worked off`),
    row('tombstones', `${tombstones.ids} ids, ${tombstones.addresses} addresses, ${tombstones.keys} vanished keys`),
    row(
      'file',
      `${file.bytes} bytes: ${file.usedBytes} used, ${file.freeBytes} free; ${file.pages} pages of ${file.pageBytes}`,
    ),
    row('log of commits', `${file.walBytes} bytes`),
    row('schema', file.schema),
    ...(file.shrinks ? [] : ['ksp relay compact makes this file one that gives room back while the relay runs']),
  ]
}

const row = (what: string, value: string | number): string => `${what.padEnd(16)}${value}`
