import { describe, expect, it } from 'vitest'
import { OPTIONS } from '../../../relay/options.js'
import { parseOptions } from '../../../relay/options/parse.js'
import type { Options } from '../../../relay/options/row.js'
import { relayArguments } from '../../../src/bridge-relay.js'
import { parseConfig } from '../../../src/config.js'
import { OPTION_PATHS, rowOf } from '../../../src/config/options.js'

/** The bridge starts the relay as a program of its own and hands its section of ksp.yaml on: both must mean the same. */

const SECTION = 'private_relay.'
/** What the bridge makes of this one itself: two lists of keys. */
const OF_THE_BRIDGE = ['only_trusted']
const paths = OPTION_PATHS.filter((path) => path.startsWith(SECTION))
const flags = Object.entries<Options[string]>(OPTIONS)

describe('the section private_relay of ksp.yaml', () => {
  it('has every option that the relay declares for it, and no other', () => {
    const declared = flags.flatMap(([, { config }]) => config ?? [])
    const known = paths.map((path) => path.slice(SECTION.length)).filter((name) => !OF_THE_BRIDGE.includes(name))

    expect(known.sort()).toEqual(declared.sort())
  })

  it('calls each as its flag is called, which is how it is handed on', () => {
    for (const [name, { config }] of flags) if (config !== undefined) expect(config).toBe(name.replaceAll('-', '_'))
  })

  it('comes to arguments that the relay takes, all options at once', () => {
    const lines = paths.map((path) => `  ${path.slice(SECTION.length)}: ${rowOf(path).example}`)
    const { config } = parseConfig(`id: herm-a\nidentity: {}\nprivate_relay:\n${lines.join('\n')}\n`, '/x/ksp.yaml')
    const argv = relayArguments(config.privateRelay!, { engine: 'auto', trusted: undefined })

    const parsed = parseOptions(OPTIONS, argv)

    expect(parsed).toMatchObject({ ok: true, words: [] })
    for (const [name, { config: inYaml }] of flags) {
      if (inYaml !== undefined)
        expect(
          argv.some((word) => word.split('=')[0] === `--${name}`),
          name,
        ).toBe(true)
    }
  })

  it('tells the defaults that the relay has', () => {
    const told = Object.fromEntries(paths.map((path) => [path.slice(SECTION.length), rowOf(path).otherwise]))
    const numbers = flags.filter(([, row]) => row.config !== undefined && /^\d+$/.test(row.default ?? ''))

    expect(numbers.length).toBeGreaterThan(0)
    for (const [name, row] of numbers) expect(told[name.replaceAll('-', '_')], name).toBe(row.default)
  })

  it('is closed to all but the trusted by only_trusted, unless a file of keys says otherwise', () => {
    const text = 'id: herm-a\nidentity: {}\nprivate_relay: { only_trusted: true, allow_read: readers.txt }\n'
    const { config } = parseConfig(text, '/x/ksp.yaml')

    const argv = relayArguments(config.privateRelay!, { engine: 'auto', trusted: '/x/data/relay-trusted.txt' })

    expect(argv).toContain('--allow-write=/x/data/relay-trusted.txt')
    expect(argv.filter((word) => word.startsWith('--allow-read'))).toEqual(['--allow-read=/x/readers.txt'])
  })
})
