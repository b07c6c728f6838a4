import { randomBytes } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import { eventId } from '../../src/core/event.js'
import type { NostrEvent, Pubkey, Signature, UnixSec } from '../../src/core/types.js'
import { openEngine } from '../../src/crypto/engine.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import { sayResult } from './relay-workplace.js'

/** Signed events for the load generator, one JSON a line, every one of the same length. */
export interface EventsTask {
  readonly file: string
  readonly count: number
  /** One for all of them; absent: fifty in turn. */
  readonly topic?: string
}

/** The workload's measure: short messages with two tags. */
export const EVENT_BYTES = 731
export const AUTHORS = 20
export const KIND = 1
const TOPICS = 50
const WRITE_EVENTS = 1_000
/** They are of the last hour, in the order of their time. */
const SPAN_SEC = 3_000

/** With what JSON escapes and what takes more than one byte, as texts have. */
const WORDS = [
  ...[
    'agent ',
    'task ',
    'reply ',
    'status ',
    '"quoted" ',
    'line\nbreak ',
    'umlaut ü ',
    '漢字 ',
    'envelope ',
    'done, ',
    'see ',
  ],
].map((text) => ({ text, bytes: Buffer.byteLength(JSON.stringify(text)) - 2 }))

/** A text whose JSON takes exactly so many bytes, without its quotes; another one for each `n`. */
const textOf = (n: number, bytes: number): string => {
  let text = `#${n} `
  let used = text.length
  for (let i = n; ; i++) {
    const word = WORDS[(i * 7 + (i >> 3)) % WORDS.length]
    if (word === undefined || used + word.bytes > bytes) return text + '.'.repeat(Math.max(0, bytes - used))
    text += word.text
    used += word.bytes
  }
}

/** An event of the workload's length. All members but the content are of fixed length here, so what is missing is its. */
export const unsignedEvent = (n: number, pubkey: Pubkey, at: number, topic: string): NostrEvent => {
  const tags = [
    ['t', topic],
    ['p', randomBytes(32).toString('hex')],
  ]
  const whole = {
    ...{ pubkey, created_at: at as UnixSec, kind: KIND, tags },
    content: textOf(n, EVENT_BYTES - EMPTY_BYTES - topic.length),
  }
  return { id: eventId(whole, nodeHashes), ...whole, sig: NO_SIGNATURE }
}

/** Where nobody checks: what stands in the store was checked before. */
const NO_SIGNATURE = '0'.repeat(128) as Signature
const KEY = '0'.repeat(64)
const EMPTY_EVENT = {
  id: KEY,
  pubkey: KEY,
  created_at: 1_700_000_000,
  kind: KIND,
  tags: [
    ['t', ''],
    ['p', KEY],
  ],
  content: '',
}
const EMPTY_BYTES = JSON.stringify({ ...EMPTY_EVENT, sig: NO_SIGNATURE }).length

export const topicOf = (n: number): string => `topic${n % TOPICS}`

export const run = async ({ file, count, topic }: EventsTask): Promise<void> => {
  const engine = await openEngine()
  const authors = Array.from({ length: AUTHORS }, (_, n) => {
    const secret = nodeHashes.sha256(`ksp bench author ${n}`)
    return { secret, pubkey: Buffer.from(engine.publicKey(secret)).toString('hex') as Pubkey }
  })
  const begin = Math.floor(Date.now() / 1000) - 3_600
  const out = openSync(file, 'w', 0o600)
  let lines: string[] = []
  for (let n = 0; n < count; n++) {
    const author = authors[n % authors.length]
    if (author === undefined) break
    const at = begin + Math.floor((n * SPAN_SEC) / count)
    const event = unsignedEvent(n, author.pubkey, at, topic ?? topicOf(n))
    const sig = engine.sign(Buffer.from(event.id, 'hex'), author.secret, randomBytes(32))
    const signed: NostrEvent = { ...event, sig: Buffer.from(sig).toString('hex') as Signature }
    lines.push(`${JSON.stringify(signed)}\n`)
    if (lines.length === WRITE_EVENTS || n === count - 1) {
      writeSync(out, lines.join(''))
      lines = []
    }
  }
  closeSync(out)
  sayResult({ count })
}
