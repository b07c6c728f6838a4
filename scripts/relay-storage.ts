import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { openEventStore } from '../relay/store/store.js'
import type { EventStore } from '../relay/store/store.js'
import { runChores } from '../relay/store/upkeep.js'
import { printError, printJson, printLine, usageError } from '../src/cli/print.js'
import type { Filter } from '../src/core/match.js'
import { syncSetBuilder } from '../src/core/negentropy-set.js'
import type { SyncSetBuilder } from '../src/core/negentropy-set.js'
import type { EventId, NostrEvent, Pubkey, Signature, UnixSec } from '../src/core/types.js'
import { nodeHashes } from '../src/crypto/hashes.js'

/**
 * The relay's store at a million events: how fast it fills, what the main shapes of questions take, what a comparison
 * (NIP-77) takes, what a request to vanish and a size cap take.
 *
 *   npm run bench:storage -- --events 1000000
 *
 * At store level: the events are unsigned, nothing is verified and nothing goes over a network.
 */

const NOW = 1_800_000_000
const AUTHORS = 2_000
const BATCH = 1_000
const REPEATS = 200

const hex = (bytes: number): string => randomBytes(bytes).toString('hex')
const below = (limit: number): number => Math.floor(Math.random() * limit)

const authors = Array.from({ length: AUTHORS }, () => hex(32) as Pubkey)
/** One of them wrote a tenth of everything. */
const [busy = '' as Pubkey] = authors

const made = (): NostrEvent => {
  const pubkey = below(10) === 0 ? busy : (authors[below(AUTHORS)] ?? busy)
  const tags = [
    ['p', authors[below(AUTHORS)] ?? busy],
    ['t', `topic ${below(1_000)}`],
  ]
  const created_at = (NOW - below(30_000_000)) as UnixSec
  const kind = below(10) < 8 ? 1 : 1_000 + below(20)
  const content = 'x'.repeat(200 + below(300))
  return { id: hex(32) as EventId, pubkey, created_at, kind, tags, content, sig: '0'.repeat(128) as Signature }
}

const timed = <T>(work: () => T): { ms: number; value: T } => {
  const began = performance.now()
  const value = work()
  return { ms: performance.now() - began, value }
}

const answered = (store: EventStore, filter: Filter): number => {
  const options = { upToSeq: store.lastSeq(), maxLimit: 5_000, now: () => NOW as UnixSec }
  const source = store.scan([filter], options)
  let events = 0
  for (let step = source.next(); step.done !== true; step = source.next()) if (step.value !== undefined) events++
  return events
}

const gathered = (store: EventStore, filter: Filter): SyncSetBuilder => {
  const options = { upToSeq: store.lastSeq(), maxLimit: Infinity, now: () => NOW as UnixSec }
  const source = store.scanEntries([filter], options)
  const items = syncSetBuilder()
  for (let step = source.next(); step.done !== true; step = source.next()) {
    if (step.value !== undefined) items.add(-step.value.age, step.value.id)
  }
  return items
}

const someone = (): Pubkey => authors[below(AUTHORS)] ?? busy
const SHAPES: Readonly<Record<string, () => Filter>> = {
  'newest 500': () => ({ limit: 500 }),
  'kind, newest 500': () => ({ kinds: [1], limit: 500 }),
  'one author, 20': () => ({ authors: [someone()], limit: 20 }),
  'author and kind, 20': () => ({ authors: [someone()], kinds: [1], limit: 20 }),
  '100 authors, 100': () => ({ authors: Array.from({ length: 100 }, someone), limit: 100 }),
  'p tag, 50': () => ({ '#p': [someone()], limit: 50 }),
  't tag and kind, 50': () => ({ '#t': [`topic ${below(1_000)}`], kinds: [1], limit: 50 }),
  'author and t tag': () => ({ authors: [busy], '#t': [`topic ${below(1_000)}`], limit: 50 }),
  'an hour long ago': () => {
    const since = NOW - below(30_000_000)
    return { since: since, until: since + 3_600 }
  },
}

const quantile = (sorted: readonly number[], q: number): number => sorted[Math.floor((sorted.length - 1) * q)] ?? 0
const rounded = (ms: number): number => Math.round(ms * 100) / 100
const mib = (bytes: number): number => Math.round(bytes / 1024 ** 2)

const measure = (events: number, json: boolean): void => {
  const dir = mkdtempSync(join(tmpdir(), 'ksp-storage-'))
  const file = join(dir, 'relay.sqlite')
  const say = (figure: string, values: Record<string, number>): void => {
    if (json) printJson({ figure, ...values })
    else
      printLine(
        `${figure.padEnd(24)} ${Object.entries(values)
          .map(([name, value]) => `${name} ${value}`)
          .join(', ')}`,
      )
  }
  try {
    const store = openEventStore(file, nodeHashes)
    let writeMs = 0
    for (let filled = 0; filled < events; filled += BATCH) {
      const items = Array.from({ length: BATCH }, made).map((event) => ({ event, json: JSON.stringify(event) }))
      writeMs += timed(() => store.write(items, NOW as UnixSec)).ms
    }
    const perSec = Math.round((events / writeMs) * 1_000)
    say('fill', { events, seconds: rounded(writeMs / 1_000), events_per_s: perSec, file_mib: mib(statSync(file).size) })

    for (const [shape, filter] of Object.entries(SHAPES)) {
      let found = 0
      const times = Array.from({ length: REPEATS }, () => {
        const { ms, value } = timed(() => answered(store, filter()))
        found += value
        return ms
      }).sort((a, b) => a - b)
      const [p50, p99] = [0.5, 0.99].map((q) => rounded(quantile(times, q)))
      say(`query: ${shape}`, { p50_ms: p50 ?? 0, p99_ms: p99 ?? 0, mean_events: Math.round(found / REPEATS) })
    }

    for (const [name, filter] of [
      ['all', {}],
      ['a tenth', { authors: [busy] }],
    ] as const) {
      const before = process.memoryUsage().rss
      const gather = timed(() => gathered(store, filter))
      const set = timed(() => gather.value.build())
      const grown = process.memoryUsage().rss - before
      say(`compare: ${name}`, {
        items: gather.value.size,
        gather_ms: rounded(gather.ms),
        set_ms: rounded(set.ms),
        rss_grown_mib: mib(grown),
      })
    }

    const vanish = { ...made(), kind: 62, pubkey: busy, created_at: NOW as UnixSec, tags: [['relay', 'ALL_RELAYS']] }
    const vanished = timed(() => store.write([{ event: vanish, json: JSON.stringify(vanish) }], NOW as UnixSec))
    const removal = timed(() => runChores(store.chores))
    say('vanish', { answer_ms: rounded(vanished.ms), removed: removal.value, removal_s: rounded(removal.ms / 1_000) })
    store.close()

    const checked = timed(() => openEventStore(file, nodeHashes).close())
    say('open and close', { ms: rounded(checked.ms) })
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

const wholeNumber = (text: string): number => {
  if (/^[1-9]\d{3,8}$/.test(text)) return Number(text)
  throw usageError(`${text.slice(0, 20)} is no whole number from 1000`)
}

const program = new Command('npm run bench:storage --')
  .description('What the bundled relay’s store does at a million events.')
  .option('--events <n>', 'how many', wholeNumber, 1_000_000)
  .option('--json', 'one JSON object a figure')
  .action(({ events, json }: { events: number; json?: boolean }) => measure(events, json === true))

program.parseAsync().catch((error: unknown) => {
  process.exitCode = printError(error, process.argv.includes('--json'))
})
