import { describe, expect, it } from 'vitest'
import { objection, roomOf } from './floors.js'
import { GENERATED, importsOf, readText, sourceOf, sources, usesOf, type Source } from './sources.js'

/** The rules of the house (ARCHITECTURE.md, "The floors"). A failure names file and line, and the rule that it breaks. */

const all = sources('src', 'relay')
const core = all.filter(({ path }) => roomOf(path) === 'core')

const at = (source: Source, line: number, what: string): string => `${source.path}:${line}  ${what}`

describe('imports', () => {
  it('point down and never sideways', () => {
    const broken = all.flatMap((source) =>
      importsOf(source).flatMap(({ line, specifier, target }) => {
        const why = target === undefined ? undefined : objection(source.path, target)
        return why === undefined ? [] : [at(source, line, `${specifier}: ${why}`)]
      }),
    )

    expect(broken).toEqual([])
  })

  it('name files that are there', () => {
    const paths = new Set(all.map(({ path }) => path))
    const there = (target: string): boolean => paths.has(target) || paths.has(target.replace(/\.ts$/, '.js'))
    const broken = all.flatMap((source) =>
      importsOf(source)
        .filter(({ target }) => target !== undefined && !there(target))
        .map(({ line, specifier }) => at(source, line, `${specifier} is no file of src or relay`)),
    )

    expect(broken).toEqual([])
  })

  it('of the core are its own files, and of packages the one that only counts letters', () => {
    // NIP-19 is arithmetic on 32 letters: no IO, no clock, no randomness.
    const pure = ['nostr-tools/nip19']
    const broken = core.flatMap((source) =>
      importsOf(source)
        .filter(({ target, specifier }) => target === undefined && !pure.includes(specifier))
        .map(({ line, specifier }) =>
          at(source, line, `${specifier}: the core imports no node: module and no package`),
        ),
    )

    expect(broken).toEqual([])
  })
})

describe('the core', () => {
  it('knows no clock, no randomness and no machine: they come in from outside', () => {
    const machine = new Set([
      ...['Date', 'performance', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'Math.random'],
      ...['process', 'globalThis', 'crypto', 'fetch', 'console', 'Buffer', 'require', 'WebSocket', 'Worker'],
    ])
    const broken = core.flatMap((source) =>
      usesOf(source)
        .filter(({ name }) => machine.has(name))
        .map(({ line, name }) => at(source, line, `${name} is the machine's`)),
    )

    expect(broken).toEqual([])
  })
})

/** Programs and the log have a voice of their own, for they must not import `cli`, which lies above them. */
const VOICES: Readonly<Record<string, string>> = {
  'src/cli/print.ts': 'what every verb prints goes through it, with control characters made harmless',
  'src/cli/ask.ts': 'the echo of what a person types, which readline writes to stderr by itself',
  'src/cli/progress.ts': 'a bar that is drawn over itself, on a terminal only',
  'src/ops/log.ts': 'the log: stderr, ids and reasons only',
  'src/kapnetd/main.ts': 'a program of its own: its ready line, its usage, its errors',
  'relay/voice.ts': 'what the verbs of the relay say: results, usage, errors, how far they are',
  'relay/log.ts': 'the log of the relay: stderr, ids and reasons only',
}

describe('printing', () => {
  it('is done by few files, each for a reason', () => {
    const prints = (name: string): boolean =>
      name === 'console' || name === 'process.stdout' || name === 'process.stderr'
    /** To look whether a person watches, or to end with a reader, prints nothing. */
    const looks = /\bprocess\.std(out|err)\.(isTTY|on)\b/
    const broken = all.flatMap((source) => {
      if (source.path in VOICES) return []
      const lines = source.tree.text.split('\n')
      return usesOf(source)
        .filter(({ name, line }) => prints(name) && !looks.test(lines[line - 1] ?? ''))
        .map(({ line, name }) => at(source, line, `${name}: print through src/cli/print.ts`))
    })

    expect(broken).toEqual([])
  })

  it('has no reason left over', () => {
    const paths = new Set(all.map(({ path }) => path))

    expect(Object.keys(VOICES).filter((path) => !paths.has(path))).toEqual([])
  })
})

/** Longer than the rest, for a reason. The number is what they may not outgrow. */
const LONG: Readonly<Record<string, { readonly lines: number; readonly why: string }>> = {
  'src/ports.ts': { lines: 450, why: 'interfaces only: what the rooms know of each other is read on one page' },
}
const MAX_LINES = 350

describe('files', () => {
  const lengthOf = (source: Source): number => source.tree.text.trimEnd().split('\n').length

  it(`have at most ${MAX_LINES} lines, but for the generated and one that is named`, () => {
    const broken = all
      .filter(({ path }) => !GENERATED.includes(path))
      .filter((source) => lengthOf(source) > (LONG[source.path]?.lines ?? MAX_LINES))
      .map((source) => `${source.path}  ${lengthOf(source)} lines: split it by the questions that it answers`)

    expect(broken).toEqual([])
  })

  it('are named as an exception only as long as they are one', () => {
    const longer = new Set(all.filter((source) => lengthOf(source) > MAX_LINES).map(({ path }) => path))

    expect(Object.keys(LONG).filter((path) => !longer.has(path))).toEqual([])
  })

  it('that are generated say so', () => {
    for (const path of GENERATED) expect(readText(path).slice(0, 300), path).toMatch(/generated/i)
  })
})

describe('the guards themselves', () => {
  const text = `
    import { readFileSync } from 'node:fs'
    import type { Store } from '../store/open.js'
    export { deep } from './deep.js'
    export type { Clock } from '../ports.js'
    const later = await import('../transports/relay.js')
    const old = require('ws')
    type Port = import('../local/kapnetd.js').Port
    // import { not } from '../cli/print.js'
    const words = "import { neither } from '../cli/print.js'"
    console.log(Date.now(), { process: 1 }, later.Date, Math.random())
  `
  const source = sourceOf('src/pipeline/example.ts', text)

  it('see every way to import, with its line, and no comment or text that looks like one', () => {
    expect(importsOf(source)).toEqual([
      { line: 2, specifier: 'node:fs', target: undefined },
      { line: 3, specifier: '../store/open.js', target: 'src/store/open.ts' },
      { line: 4, specifier: './deep.js', target: 'src/pipeline/deep.ts' },
      { line: 5, specifier: '../ports.js', target: 'src/ports.ts' },
      { line: 6, specifier: '../transports/relay.js', target: 'src/transports/relay.ts' },
      { line: 7, specifier: 'ws', target: undefined },
      { line: 8, specifier: '../local/kapnetd.js', target: 'src/local/kapnetd.ts' },
    ])
  })

  it('see what is used as a value, and no member or property of the same name', () => {
    const names = usesOf(source).map(({ name }) => name)

    expect(names).toEqual(expect.arrayContaining(['console', 'Date', 'Date.now', 'Math.random']))
    expect(names).not.toContain('process')
    expect(names.filter((name) => name === 'Date')).toHaveLength(1)
  })

  it.each([
    ['src/pipeline/pump.ts', 'src/core/types.ts', undefined],
    ['src/pipeline/pump.ts', 'src/pipeline/bell.ts', undefined],
    ['src/pipeline/pump.ts', 'src/ports.ts', undefined],
    ['src/bridge-control.ts', 'src/bridge-status.ts', undefined],
    ['src/cli/run.ts', 'src/bridge.ts', undefined],
    ['relay/policy/policy.ts', 'src/core/event.ts', undefined],
    ['relay/main.ts', 'src/ops/metrics.ts', undefined],
    ['src/pipeline/pump.ts', 'src/store/open.ts', /sisters/],
    ['src/core/inbound.ts', 'src/ports.ts', /lies above/],
    ['src/store/open.ts', 'src/config.ts', /lies above/],
    ['src/bridge.ts', 'src/cli/print.ts', /lies above/],
    ['src/bridge-relay.ts', 'relay/index.ts', /does not import the relay/],
    ['src/kapnetd/main.ts', 'src/ports.ts', /program of its own/],
    ['relay/main.ts', 'src/ops/child.ts', /program of its own/],
    ['src/helpers/x.ts', 'src/core/types.ts', /no room/],
    ['src/core/x.ts', 'src/helpers/x.ts', /no room/],
  ])('judge an import of %s from %s rightly', (from, to, why) => {
    const said = objection(from, to)

    if (why === undefined) expect(said).toBeUndefined()
    else expect(said).toMatch(why)
  })
})
