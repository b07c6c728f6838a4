import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseConfig } from '../../../src/config.js'
import { OPTION_PATHS, rowOf, SECTIONS } from '../../../src/config/options.js'
import {
  commentedConfig,
  optionsHelp,
  optionsTable,
  TABLE_START,
  withOptionsTable,
} from '../../../src/config/render-options.js'

const CHOSEN = {
  id: 'herm-a',
  'identity.keystore': 'keystore.json',
  'relays[]': [{ url: 'wss://relay.example' }],
}

/** A `#` that is no prose: prose has one space after it, and only one. */
const uncommented = (text: string): string => text.replaceAll(/^( *)#(?! \S)/gm, '$1')

describe('the table of options', () => {
  it('stands in a section of its own for every dot in a path', () => {
    for (const path of OPTION_PATHS) {
      const section = path.split('.').slice(0, -1).join('.')
      if (section !== '') expect(Object.keys(SECTIONS), path).toContain(section)
    }
  })

  it('gives every variable and every flag to one option only', () => {
    const names = OPTION_PATHS.flatMap((path) => [rowOf(path).env, rowOf(path).flag]).filter(
      (name) => name !== undefined,
    )

    expect(new Set(names).size).toBe(names.length)
  })

  it('names every option in the help and in the table', () => {
    for (const path of OPTION_PATHS) {
      expect(optionsHelp()).toContain(`  ${path} `)
      expect(optionsTable()).toContain(`| \`${path}\` |`)
    }
  })

  it('is what the documentation shows', () => {
    const page = readFileSync('docs/configuration.md', 'utf8')

    expect(withOptionsTable(page), 'run: npm run build && node dist/scripts/write-option-tables.js').toBe(page)
  })

  it('is what the README shows, where it has the table', () => {
    const readme = existsSync('README.md') ? readFileSync('README.md', 'utf8') : ''

    expect(readme.includes(TABLE_START) ? withOptionsTable(readme) : readme).toBe(readme)
  })
})

describe('the file that init writes', () => {
  it('is right as it stands, and says no more than what was chosen', () => {
    const { config, warnings } = parseConfig(commentedConfig(CHOSEN), '/x/ksp.yaml')
    const same = parseConfig('id: herm-a\nidentity: {}\nrelays: [wss://relay.example]\n', '/x/ksp.yaml')

    expect(config).toEqual(same.config)
    expect(warnings).toEqual([])
  })

  it('is right with every comment taken away, so every example is', () => {
    const { config } = parseConfig(uncommented(commentedConfig(CHOSEN)), '/x/ksp.yaml')

    expect(config.privateRelay).toEqual({
      host: '127.0.0.1',
      port: 7447,
      db: '/x/relay.sqlite',
      publicUrl: 'wss://herm-a.example',
      onlyTrusted: true,
      options: {
        name: ['herm-a relay'],
        allow_write: ['/x/writers.txt'],
        allow_read: ['/x/readers.txt'],
        allow_kapnet: ['/x/herms.txt'],
        admin: ['/x/admins.txt'],
        min_pow: ['8'],
        rate: ['200'],
        key_rate: ['100'],
        ask_rate: ['50'],
        key_ask_rate: ['100'],
        address_connections: ['64'],
        proxy: ['127.0.0.1'],
        retain: ['1=90d', '1000-9999=7d,5000'],
        max_db_size: [`${2 * 1024 ** 3}B`],
        metrics: ['127.0.0.1:9447'],
        metrics_public: [''],
        metrics_name: ['metrics.example'],
        stop_deadline: ['10000ms'],
      },
    })
    expect(config.trust.peers).toHaveLength(1)
    expect(config.local.kapnetd?.socket).toBe('/x/kapnetd.sock')
    expect(config.relays).toHaveLength(1)
  })

  it('shows every option', () => {
    const text = commentedConfig(CHOSEN)

    for (const path of OPTION_PATHS) expect(text).toMatch(new RegExp(`\\b${path.split('.').at(-1) ?? path}: `))
  })

  it('keeps the lines of a person’s page short', () => {
    for (const line of commentedConfig(CHOSEN).split('\n')) expect(line.length).toBeLessThanOrEqual(104)
  })
})
