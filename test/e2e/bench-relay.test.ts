import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { BEGIN, END, withSection } from '../../scripts/bench/relay-docs.js'
import { EVENT_BYTES, unsignedEvent } from '../../scripts/bench/relay-events.js'
import { spreadOf } from '../../scripts/bench/relay-figures.js'
import type { Report } from '../../scripts/bench/relay-report.js'
import { markdownOf, tableOf } from '../../scripts/bench/relay-tables.js'
import { builtProgram, startChild } from '../../src/ops/child.js'
import type { Child } from '../../src/ops/child.js'
import type { Pubkey } from '../../src/core/types.js'
import { eventually } from '../support/eventually.js'
import { testFolder } from '../support/relay-store.js'
import { nativeMissing } from '../support/secp256k1.js'

/** `npm run bench:relay`, as small as it goes: that it measures what it says, never how fast. */

/** A dozen processes one after the other. It only ends a wait for what will never come. */
const LIMIT_MS = 240_000

const folder = testFolder()
const children: Child[] = []
afterEach(() => Promise.all(children.splice(0).map((child) => child.stop('SIGKILL'))))

const start = (args: readonly string[], env: Record<string, string> = {}): Child => {
  const child = startChild(builtProgram('scripts/bench-relay.js'), args, { env })
  children.push(child)
  return child
}

/** Command lines that name a path; none where the system does not tell. */
const processesWith = (path: string): string[] =>
  (existsSync('/proc/self/cmdline') ? readdirSync('/proc') : []).flatMap((pid) => {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      return line.includes(path) ? [line] : []
    } catch {
      return []
    }
  })

const reportOf = async (...args: string[]): Promise<{ report: Report; child: Child }> => {
  const child = start(['--quick', '--events', '200', '--json', ...args])
  await child.ended
  expect(child.out, child.err.join('\n')).toHaveLength(1)
  return { report: JSON.parse(child.out[0]!) as Report, child }
}

const namesOf = (report: Report): string[] =>
  report.rows.map(({ question, contestant, stored }) => `${question} ${contestant} ${stored}`)

const wrongs = (report: Report): unknown[] => report.rows.filter(({ wrong }) => Object.keys(wrong).length > 0)

const hasNative = nativeMissing() === undefined

describe('bench:relay', { timeout: LIMIT_MS }, () => {
  it('asks every question, and every event is answered as it should', async () => {
    const { report, child } = await reportOf(
      '--contestants',
      'native,wasm',
      '--questions',
      'ingest_1,query,fan_out,paced,sync',
    )

    expect((await child.ended).code).toBe(0)
    expect(report.ok).toBe(true)
    expect(wrongs(report)).toEqual([])
    // The engine that any machine has is not asked for what does not depend on engines.
    const wasm = ['ingest_1 wasm 0', 'fan_out wasm 200', 'paced wasm 200']
    const native = [
      'ingest_1 native 0',
      'query native 200',
      'fan_out native 200',
      'paced native 200',
      'sync native 200',
    ]
    expect(namesOf(report).sort()).toEqual((hasNative ? [...wasm, ...native] : wasm).sort())
    for (const { question, figures } of report.rows) {
      const needed = question === 'sync' ? ['p50Ms'] : ['perSec', 'p50Ms', 'p99Ms']
      for (const name of needed) expect(figures[name]?.median, `${question} ${name}`).toBeGreaterThan(0)
    }
  })

  it('takes the others’ figures in the same run, on a large store too, and makes ratios of them', async () => {
    const contestants = 'libsecp256k1,native,npm,ceilingWorker,store'
    const { report } = await reportOf(
      '--rows',
      '1200',
      '--contestants',
      contestants,
      '--questions',
      'raw,ingest_10,inserts_1000',
    )

    expect(wrongs(report)).toEqual([])
    const store = ['inserts_1000 store 200', 'inserts_1000 store 1200']
    const others = ['ingest_10 npm 0', 'ingest_10 npm 1200', ...store]
    const native = ['native', 'ceilingWorker'].flatMap((name) => [`ingest_10 ${name} 0`, `ingest_10 ${name} 1200`])
    expect(namesOf(report).sort()).toEqual((hasNative ? [...others, ...native, 'raw libsecp256k1 0'] : others).sort())
    expect(report.ratios.map(({ name }) => name)).toContain('inserts_large')
    expect(report.aims.find(({ name }) => name === 'inserts_500')?.met).toBeUndefined()
    if (!hasNative) return
    expect(report.ratios.map(({ name }) => name)).toEqual(expect.arrayContaining(['ingest_10_raw', 'ingest_10_npm']))
    expect(report.aims.find(({ name }) => name === 'ingest_raw')?.met).toBeTypeOf('boolean')
  })

  it('leaves neither files nor processes behind when it is interrupted', async () => {
    const place = folder()
    const child = start(['--questions', 'ingest_10', '--contestants', 'wasm,npm'], { TMPDIR: place })
    const files = (): string[] => readdirSync(place, { recursive: true, encoding: 'utf8' })
    await eventually('a relay has its file', files, (seen) => seen.some((file) => file.endsWith('.sqlite')))

    const { code } = await child.stop('SIGINT')

    expect(code).toBe(130)
    expect(files()).toEqual([])
    expect(processesWith(place)).toEqual([])
  })

  it('says what is wrong with its options', async () => {
    const child = start(['--runs', 'many'])

    expect((await child.ended).code).toBe(2)
    expect(child.err[0]).toBe('--runs needs a whole number from 1 to 99')
  })
})

describe('the figures of bench:relay', () => {
  const key = 'a'.repeat(64) as Pubkey

  it('are taken with events of one length, whatever they say', () => {
    const lengths = [0, 1, 7, 99, 123_456].map((n) =>
      Buffer.byteLength(JSON.stringify(unsignedEvent(n, key, 1_700_000_000, `topic${n % 50}`))),
    )

    expect(new Set(lengths)).toEqual(new Set([EVENT_BYTES]))
  })

  it('are medians, and a run that failed counts for none', () => {
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3, runs: [3, 1, 2] })
    expect(spreadOf([4, null, 2])).toEqual({ median: 3, min: 2, max: 4, runs: [4, null, 2] })
  })

  it('are written between their marks, again and again', () => {
    const page = `before\n${BEGIN}\nold\n${END}\nafter`

    const once = withSection(page, 'new')

    expect(once).toBe(`before\n${BEGIN}\n\nnew\n\n${END}\nafter`)
    expect(withSection(once, 'new')).toBe(once)
    expect(() => withSection('no marks', 'new')).toThrow('lost its marks')
  })

  it('are shown with their ratios first, and what went wrong', () => {
    const spread = spreadOf([0.5])
    const report: Report = {
      ok: false,
      machine: { cpu: 'C', cores: 2, memoryGb: 4, system: 'linux x64', loadBefore: 7, versions: { node: '20' } },
      settings: { runs: 1, events: 100, eventBytes: EVENT_BYTES, window: 500 },
      ratios: [{ name: 'ingest_10_raw', words: 'ingest : raw', spread }],
      aims: [{ name: 'ingest_raw', words: 'ingest', aim: '>= 0.6', figure: 0.5, met: false }],
      rows: [
        {
          ...{ question: 'ingest_10', contestant: 'native', stored: 0, events: 100 },
          ...{ figures: { perSec: spreadOf([12_345]) }, wrong: { 'OK false error: x': 2 } },
        },
      ],
      leftOut: {},
    }

    for (const text of [tableOf(report), markdownOf(report)]) {
      expect(text.indexOf('ingest : raw')).toBeLessThan(text.indexOf('12,345'))
      expect(text).toContain('missed')
      expect(text).toContain('a load of 7')
      expect(text).toContain('2 times: OK false error: x')
    }
  })
})
