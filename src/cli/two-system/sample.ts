import type { JsonObject } from '../../core/types.js'

/** A TXXM as `ksp send --file` reads it: one JSON object a line. */
export interface SampleTxxm {
  readonly type: string
  readonly action: string
  readonly payload: JsonObject
}

const AGENTS = ['allegro', 'ezra', 'mkctp-alpha', 'mkctp-beta', 'mkctp-gamma']
const ROOMS = ['member.submission.room.kor', 'archive.room.kor', 'review.sys.pluronymous.org']
const NOTES = [
  'Review the patch in branch `relay-backfill` and reply with a status.',
  'Résumé of the night run: 412 tasks, 3 retried, none lost. 世界 ✓',
  'The index is rebuilt; the old one stays until every reader has moved.',
  'Please check the "quoted" line\nand the one after it.',
  'Budget for the week is used to 62 %; heavy jobs wait until Monday.',
]

const pick = <T>(list: readonly T[], i: number): T => {
  const item = list[i % list.length]
  if (item === undefined) throw new Error('an empty list')
  return item
}

const hex = (seed: number): string => {
  // Looks like a digest and is the same on every run; nothing rests on it.
  let x = seed * 2654435761 + 97
  let out = ''
  while (out.length < 64) {
    x = (x * 1103515245 + 12345) % 2147483648
    out += x.toString(16).padStart(8, '0')
  }
  return out.slice(0, 64)
}

const MAKERS: readonly ((i: number) => SampleTxxm)[] = [
  (i) => ({
    type: 'submission',
    action: 'room.post',
    payload: {
      room: pick(ROOMS, i),
      text: pick(NOTES, i),
      author: pick(AGENTS, i),
      seq: i,
      tags: ['fleet', `batch-${i % 7}`],
    },
  }),
  (i) => ({
    type: 'validation',
    action: 'submission.validate',
    payload: {
      subject: hex(i),
      verdict: i % 9 === 0 ? 'needs-work' : 'valid',
      checks: { schema: true, signature: true, score: (i % 100) / 100 },
      by: pick(AGENTS, i + 1),
    },
  }),
  (i) => ({
    type: 'vote',
    action: 'governance.vote',
    payload: {
      proposal: `prop-${i % 12}`,
      choice: pick(['yes', 'no', 'abstain'], i),
      weight: 1 + (i % 5),
      reason: pick(NOTES, i + 2),
    },
  }),
  (i) => ({
    type: 'governance',
    action: 'governance.propose',
    payload: {
      proposal: `prop-${i}`,
      title: `Raise the review quorum to ${3 + (i % 4)}`,
      body: `${pick(NOTES, i)} `.repeat(1 + (i % 8)),
      opens: 1_790_000_000 + i * 60,
      closes: 1_790_600_000 + i * 60,
    },
  }),
  (i) => ({
    type: 'signal',
    action: 'fleet.signal',
    payload: {
      level: pick(['info', 'notice', 'warn'], i),
      agent: pick(AGENTS, i),
      load: (i % 97) / 97,
      queue: i % 31,
      model: 'local',
    },
  }),
]

/** `count` realistic TXXMs of 0.2 to 1.5 kB, of five types, the same on every run. */
export const sampleTxxms = (count: number): SampleTxxm[] => Array.from({ length: count }, (_, i) => pick(MAKERS, i)(i))
