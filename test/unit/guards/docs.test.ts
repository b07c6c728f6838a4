import { existsSync } from 'node:fs'
import { join, posix } from 'node:path'
import { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { USAGE as KAPNETD_USAGE } from '../../../src/kapnetd/arguments.js'
import { USAGE as RELAY_USAGE } from '../../../relay/options.js'
import { VERBS as RELAY_VERBS } from '../../../relay/verbs/table.js'
import { SUPPORTED_NIPS } from '../../../relay/server/document.js'
import { PROGRAMS, VERBS } from '../../../src/cli/verbs.js'
import { isRetriable, REFUSAL_CODES, rememberRefusal } from '../../../src/core/refusal.js'
import { anchorOf, codeIn, proseOf, rowsOf, sectionOf, sectionsOf } from './pages.js'
import { ROOT } from './sources.js'

/** What the pages say of the code is so, and what the code has the pages say. */

const PAGES = [
  ...['README.md', 'ARCHITECTURE.md', 'SECURITY.md', 'CHANGELOG.md'],
  ...[
    'docs/README.md',
    'docs/benchmarks.md',
    'docs/cli.md',
    'docs/codes.md',
    'docs/configuration.md',
    'docs/conformance.md',
    'docs/deployment.md',
    'docs/interop.md',
    'docs/metrics.md',
    'docs/two-system-test.md',
  ],
]

describe('docs/codes.md', () => {
  it('lists every code, how long it is remembered and whether it may be tried again', () => {
    const [head] = sectionsOf('docs/codes.md')
    const written = rowsOf(head?.text ?? '')
    const held = REFUSAL_CODES.map((code) => [`\`${code}\``, rememberRefusal(code), isRetriable(code) ? 'yes' : 'no'])

    expect(written).toEqual(held)
  })

  it('has a section for each, in their order, and for nothing else', () => {
    const sections = sectionsOf('docs/codes.md').filter(({ level }) => level === 3)

    expect(sections.map(({ heading }) => heading)).toEqual(REFUSAL_CODES.map((code) => `\`${code}\``))
    for (const { heading, text } of sections) expect(text.trim().length, heading).toBeGreaterThan(40)
  })
})

/** Everything that can be typed: `send`, `peers list`, with what its own help says. */
interface Typed {
  readonly words: string
  readonly command: Command
  readonly help: string
}

const leavesOf = (command: Command, words: string): Typed[] =>
  command.commands.length > 0
    ? command.commands.flatMap((sub) => leavesOf(sub, `${words} ${sub.name()}`))
    : [{ words, command, help: helpOf(command) }]

const helpOf = (command: Command): string => {
  const said: string[] = []
  command.configureOutput({ writeOut: (text) => said.push(text) })
  command.outputHelp()
  return said.join('')
}

const registered = async (name: string): Promise<Typed[]> => {
  const program = new Command('ksp')
  const { register } = await VERBS[name]!.load()
  register(program)
  return program.commands.flatMap((command) => leavesOf(command, command.name()))
}

const verbs = (await Promise.all(Object.keys(VERBS).map(registered))).flat()
/** Said once for all verbs, at the top of the page. */
const COMMON = ['--json', '--config', '--help']
const flagsIn = (text: string): string[] => [...new Set(text.match(/(?<![\w-])--[a-z][a-z-]+/g) ?? [])].sort()

describe('docs/cli.md', () => {
  it('has a section for every verb and program, and for no other', () => {
    const written = sectionsOf('docs/cli.md').flatMap(({ heading }) => /^`ksp (.+)`$/.exec(heading)?.[1] ?? [])
    const groups = Object.keys(VERBS).filter((name) => !verbs.some(({ words }) => words === name))
    const ofRelay = Object.keys(RELAY_VERBS).map((name) => `relay ${name}`)
    const known = [...groups, ...verbs.map(({ words }) => words), ...Object.keys(PROGRAMS), ...ofRelay]

    expect(written.sort()).toEqual(known.sort())
  })

  it.each(verbs)('names every option of ksp $words, no option that it does not have, and its example', (typed) => {
    const { text } = sectionOf('docs/cli.md', `\`ksp ${typed.words}\``)
    const own = typed.command.options.flatMap(({ long }) => (long === undefined || COMMON.includes(long) ? [] : [long]))
    // In examples and prose stand options of other programs too; what is told in a list is this verb's.
    const told = text.split('\n').filter((line) => /^(- | {2}\S)/.test(line))
    const example = /Example:\n {2}(\$ .*)/.exec(typed.help)?.[1]

    expect(flagsIn(text).filter((flag) => own.includes(flag))).toEqual([...own].sort())
    expect(flagsIn(told.join('\n')).filter((flag) => !own.includes(flag) && !COMMON.includes(flag))).toEqual([])
    expect(example, 'every verb has an example in its help').toBeDefined()
    expect(text).toContain(example)
  })

  it.each(Object.entries(RELAY_VERBS))('names every option of ksp relay %s, and its example', (name, verb) => {
    const { text } = sectionOf('docs/cli.md', `\`ksp relay ${name}\``)
    const told = text.split('\n').filter((line) => /^(- | {2}\S)/.test(line))
    const own = Object.keys(verb.options).map((option) => `--${option}`)

    expect(own.filter((flag) => !flagsIn(text).includes(flag) && !COMMON.includes(flag))).toEqual([])
    expect(flagsIn(told.join('\n')).filter((flag) => !own.includes(flag))).toEqual([])
    expect(text).toContain(`$ ${/^example: (.*)/m.exec(verb.usage)?.[1]}`)
  })

  it.each([
    ['relay', RELAY_USAGE],
    ['kapnetd', KAPNETD_USAGE],
  ])('names every option of the program ksp %s', (name, usage) => {
    const { text } = sectionOf('docs/cli.md', `\`ksp ${name}\``)

    expect(flagsIn(text)).toEqual(flagsIn(usage))
  })
})

describe('README.md', () => {
  it('lists the commands in the words of ksp --help', () => {
    const rows = Object.entries({ ...VERBS, ...PROGRAMS }).map(([name, { summary }]) => [`\`ksp ${name}\``, summary])

    expect(rowsOf(sectionOf('README.md', 'Commands').text)).toEqual(rows)
  })

  it('says of the bundled relay what its document says', () => {
    const { text } = sectionOf('README.md', '6. A relay of your own')
    const said = /speaks\s+(NIP-[^.]*)\./.exec(text)?.[1]?.match(/\d+/g) ?? []

    expect(said.map(Number)).toEqual(SUPPORTED_NIPS)
  })

  it('names every page, and the two commands that set everything up', () => {
    const { text } = sectionOf('README.md', 'Where to read on')

    for (const page of PAGES.filter((page) => page !== 'README.md')) expect(text).toContain(`(${page})`)
    expect(sectionOf('README.md', 'Try it').text).toContain('$ npm ci && npm run demo\n$ npm ci && npm test\n')
  })
})

describe('the pages', () => {
  it.each(PAGES)('%s links only to what is there', (page) => {
    const broken = proseOf(page)
      .concat(
        rowsOf(
          sectionsOf(page)
            .map(({ text }) => text)
            .join('\n'),
        )
          .flat()
          .map((text) => ({ line: 0, text })),
      )
      .flatMap(({ text }) => [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? ''))
      .filter((link) => !/^[a-z]+:/.test(link))
      .filter((link) => {
        const [path = '', anchor] = link.split('#')
        const target = path === '' ? page : posix.join(posix.dirname(page), path)
        if (!existsSync(join(ROOT, target))) return true
        return anchor !== undefined && !sectionsOf(target).some(({ heading }) => anchorOf(heading) === anchor)
      })

    expect(broken).toEqual([])
  })

  it.each(PAGES)('%s is readable in a terminal: no prose beyond 120 columns', (page) => {
    const wide = proseOf(page).filter(({ text }) => Array.from(text).length > 120)

    expect(wide.map(({ line, text }) => `${page}:${line}  ${Array.from(text).length} columns`)).toEqual([])
  })

  it.each(PAGES)('%s names only files of the project that are there', (page) => {
    const isPath = /^(src|relay|scripts|kinds|docs|test)\/[\w./*-]*$/
    const missing = sectionsOf(page)
      .flatMap(({ text }) => codeIn(text))
      .filter((code) => isPath.test(code) && !code.includes('*'))
      .filter((path) => !existsSync(join(ROOT, path)))

    expect(missing).toEqual([])
  })
})
