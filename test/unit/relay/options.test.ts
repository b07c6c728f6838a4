import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { OPTIONS, relayOptionsOf, USAGE } from '../../../relay/options.js'
import { withRelayTable } from '../../../relay/options/help.js'
import { parseOptions } from '../../../relay/options/parse.js'
import { count, duration, file, size } from '../../../relay/options/readers.js'
import { flag, given, list, open, Wrong } from '../../../relay/options/row.js'
import type { Options } from '../../../relay/options/row.js'
import { DEFAULT_LIMITS } from '../../../relay/limits.js'

const parse = (...argv: string[]): ReturnType<typeof parseOptions<typeof OPTIONS>> => parseOptions(OPTIONS, argv)
const mistakesOf = (...argv: string[]): readonly string[] => {
  const parsed = parse(...argv)
  return parsed.ok === false ? parsed.mistakes : []
}

describe('the options of ksp relay', () => {
  it('have defaults that their own readers take', () => {
    const wrong = Object.entries<Options[string]>(OPTIONS).filter(
      ([, row]) => row.default !== undefined && row.read(row.default) instanceof Wrong,
    )

    expect(wrong).toEqual([])
  })

  it('come to the defaults of the relay where nothing is typed', () => {
    const parsed = parse()
    if (parsed.ok !== true) throw new Error('nothing typed is no mistake')

    const options = relayOptionsOf(parsed.values)

    expect(DEFAULT_LIMITS).toMatchObject({ ...options.limits })
    expect(options).toEqual({
      host: '127.0.0.1',
      port: 7447,
      db: 'relay.sqlite',
      name: 'ksp-relay',
      publicUrls: [],
      minPow: 0,
      engine: 'auto',
      limits: expect.any(Object) as object,
    })
  })

  it('stand in the help, each under the heading of its group', () => {
    for (const [name, row] of Object.entries<Options[string]>(OPTIONS)) {
      const section = USAGE.split('\n\n').find((text) => text.startsWith(`${row.group}:`))
      expect(section, name).toMatch(new RegExp(`^ {2}--${name} `, 'm'))
    }
    for (const line of USAGE.split('\n')) expect(line.length).toBeLessThanOrEqual(120)
  })

  it('stand in docs/cli.md as the table has them', () => {
    const page = readFileSync('docs/cli.md', 'utf8')

    expect(withRelayTable(page, OPTIONS), 'run: npm run build && node dist/scripts/write-option-tables.js').toBe(page)
  })

  it('have at most one option for each name in ksp.yaml', () => {
    const names = Object.values<Options[string]>(OPTIONS).flatMap(({ config }) => config ?? [])

    expect(new Set(names).size).toBe(names.length)
  })
})

describe('what is typed', () => {
  it('is told as wrong all together, not one thing after the other', () => {
    const mistakes = mistakesOf('--listen', 'x', '--rate', '-1', '--lissen', 'y', '--name=', 'extra')

    expect(mistakes).toEqual([
      "Unknown option '--lissen'",
      "Unexpected argument 'extra'",
      '--listen x is not HOST:PORT',
      '--name needs 1 to 100 characters',
      '--rate needs a whole number from 0 to 1000000',
    ])
  })

  it.each([
    ['a flag without its value', ['--db'], '--db needs FILE'],
    ['a flag where a value belongs', ['--db', '--name', 'x'], '--db needs FILE'],
    ['a value where none belongs', ['--exit-with-parent=yes'], '--exit-with-parent takes no value'],
    ['the same twice', ['--db', 'a', '--db', 'b'], '--db is given twice'],
    ['too many of a list', Array.from({ length: 17 }, () => '--public-url=ws://a'), 'more than 16 times'],
    ['a name of no own', ['--toString'], "Unknown option '--toString'"],
    ['a file with a zero in it', ['--db', 'a\0b'], '--db needs a file'],
    ['a duration without a unit', ['--stop-deadline', '5'], '--stop-deadline needs a duration from 0s to 10m'],
  ])('is a mistake: %s', (_, argv, words) => {
    expect(mistakesOf(...argv)).toEqual([expect.stringContaining(words)])
  })

  it('is never echoed at length, and never more than ten mistakes of it', () => {
    const mistakes = mistakesOf(...Array.from({ length: 50 }, () => `--${'x'.repeat(1_000)}`))

    expect(mistakes).toHaveLength(10)
    for (const mistake of mistakes) expect(mistake.length).toBeLessThan(200)
  })

  it('asks for help with --help and -h, whatever else is wrong', () => {
    expect([parse('--nonsense', '--help').ok, parse('-h').ok]).toEqual(['help', 'help'])
  })

  it('keeps the words that a command expects, and misses those that it needs', () => {
    const options = { all: flag({ about: 'all', group: 'g' }) }
    const words = { needed: ['FILE'], optional: ['TARGET'] }

    expect(parseOptions(options, ['a', '--all', 'b'], words)).toEqual({
      ok: true,
      values: { all: true },
      words: ['a', 'b'],
    })
    expect(parseOptions(options, ['--', '--all'], words)).toMatchObject({ values: { all: false }, words: ['--all'] })
    expect(parseOptions(options, ['-'], words)).toMatchObject({ words: ['-'] })
    expect(parseOptions(options, [], words)).toEqual({ ok: false, mistakes: ['FILE is missing'] })
    expect(parseOptions(options, ['a', 'b', 'c'], words)).toEqual({
      ok: false,
      mistakes: ["Unexpected argument 'c'"],
    })
  })

  it('has the value of its row: what was typed, the default, nothing, or a list', () => {
    const options = {
      one: given('N', count(0, 9), '3', { about: '', group: 'g' }),
      maybe: open('FILE', file, { about: '', group: 'g' }),
      many: list('N', count(0, 9), 3, { about: '', group: 'g' }),
    }

    expect(parseOptions(options, [])).toMatchObject({ values: { one: 3, maybe: undefined, many: [] } })
    expect(parseOptions(options, ['--one=4', '--maybe', 'x', '--many', '1', '--many', '2'])).toMatchObject({
      values: { one: 4, maybe: 'x', many: [1, 2] },
    })
  })
})

describe('the readers', () => {
  it.each([
    [duration('1s', '1d'), '90s', 90_000],
    [duration('1s', '1d'), '500ms', undefined],
    [duration('1s', '1d'), '2d', undefined],
    [duration('1s', '1d'), '1 s', undefined],
    [size('1MiB', '1TiB'), '2GiB', 2 * 1024 ** 3],
    [size('1MiB', '1TiB'), '5000000', 5_000_000],
    [size('1MiB', '1TiB'), '3MB', 3_000_000],
    [size('1MiB', '1TiB'), '1KiB', undefined],
    [size('1MiB', '1TiB'), '2XiB', undefined],
    [count(1, 5), '5', 5],
    [count(1, 5), '0', undefined],
    [count(1, 5), '1e0', undefined],
  ])('take what is right and nothing else: %#', (read, text, value) => {
    const answer: unknown = read(text)

    expect(answer instanceof Wrong ? undefined : answer).toBe(value)
  })
})
