import { LATER, OPTION_PATHS, rowOf, SECTIONS, type OptionPath } from './options.js'

/** The table of options as people read it: in the documentation, in `--help`, and as the file that `ksp init` writes. */

export const TABLE_START = '<!-- options:start -->'
export const TABLE_END = '<!-- options:end -->'

const defaultOf = (path: OptionPath): string => {
  const row = rowOf(path)
  if (row.presence === 'needed') return '(needed)'
  return row.default ?? row.otherwise ?? '(none)'
}

/** The Markdown table, without the markers. */
export const optionsTable = (): string => {
  const cell = (text: string): string => text.replaceAll('|', '\\|')
  const rows = OPTION_PATHS.map((path) => {
    const { type, about, example, env, flag, default: fixed } = rowOf(path)
    const others = [env, flag].filter((name) => name !== undefined).map((name) => `\`${name}\``)
    const standard = fixed === undefined ? defaultOf(path) : `\`${fixed}\``
    return [`\`${path}\``, type.name, standard, about, `\`${example}\``, others.join(' ')].map(cell).join(' | ')
  })
  const head = ['key | type | default | what it is | example | also', '--- | --- | --- | --- | --- | ---']
  return [...head, ...rows].map((row) => `| ${row.trimEnd()} |`).join('\n')
}

/** The text with what stands between the markers replaced by the table; undefined where it has no markers. */
export const withOptionsTable = (text: string): string | undefined => {
  const start = text.indexOf(TABLE_START)
  const end = text.indexOf(TABLE_END)
  if (start < 0 || end < start) return undefined
  return `${text.slice(0, start)}${TABLE_START}\n\n${optionsTable()}\n\n${text.slice(end)}`
}

/** For `--help`: one line an option. */
export const optionsHelp = (): string => {
  const width = Math.max(...OPTION_PATHS.map((path) => path.length))
  const lines = OPTION_PATHS.map((path) => {
    const { about, env } = rowOf(path)
    return `  ${path.padEnd(width)}  ${about} Default: ${defaultOf(path)}.${env === undefined ? '' : ` Also ${env}.`}`
  })
  return ['Options of ksp.yaml:', ...lines].join('\n')
}

/** What stands in the file uncommented, by key path: words of YAML, or one object for each entry of a list. */
export type Chosen = Readonly<Record<string, string | readonly Readonly<Record<string, string>>[]>>

const WIDTH = 100

/** Wrapped to the width of a page, each line behind `# `. */
const prose = (text: string, indent: string): string[] => {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + 2 + line.length + 1 + word.length > WIDTH) {
      lines.push(line)
      line = ''
    }
    line += line === '' ? word : ` ${word}`
  }
  return [...lines, line].map((l) => `${indent}# ${l}`)
}

const leaf = (path: string): string => path.slice(path.lastIndexOf('.') + 1)

const aboutOf = (path: OptionPath): string => `${rowOf(path).about} Default: ${defaultOf(path)}.`

/**
 * A whole ksp.yaml in which every option stands, those that were not chosen as `#key: example`: taking the `#` away
 * makes any of them hold.
 */
export const commentedConfig = (chosen: Chosen): string => {
  const out: string[] = [
    ...prose('Configuration of a KSP bridge. Check it with: ksp config check', ''),
    ...prose('Paths are relative to this file. Durations: 500ms, 30s, 10m, 1h, 7d. Sizes: 512KiB, 4MiB.', ''),
    ...prose('What is commented out shows an example: take the # away to make it hold.', ''),
  ]
  const chosenBelow = (section: string): boolean =>
    Object.keys(chosen).some((key) => key === section || key.startsWith(`${section}.`))

  /** A line of YAML. In a section that is off as a whole the `#` stands where the section's name does. */
  const line = (indent: string, text: string, off: string | undefined): number =>
    out.push(off === undefined ? indent + text : `${off}#${indent.slice(off.length)}${text}`)

  const writeOption = (path: OptionPath, indent: string, off: string | undefined): void => {
    out.push(...prose(rowOf(path).presence === 'needed' ? rowOf(path).about : aboutOf(path), indent))
    const value = chosen[path]
    if (typeof value === 'string') line(indent, `${leaf(path)}: ${value}`, off)
    else line(indent, `${leaf(path)}: ${rowOf(path).example}`, off ?? indent)
  }

  const writeList = (section: string, indent: string, off: string | undefined): void => {
    const paths = OPTION_PATHS.filter((path) => path.startsWith(`${section}.`))
    out.push(...prose(SECTIONS[section]?.about ?? '', indent))
    for (const path of paths) out.push(...prose(`${leaf(path)}: ${aboutOf(path)}`, indent))
    const entries = chosen[section]
    const live = typeof entries === 'object' && entries.length > 0
    const example = Object.fromEntries(paths.filter(isShown).map((p) => [leaf(p), rowOf(p).example]))
    const mark = live ? off : (off ?? indent)
    line(indent, `${leaf(section.replace('[]', ''))}:`, mark)
    for (const entry of live ? entries : [example]) {
      for (const [i, [key, value]] of Object.entries(entry).entries()) {
        line(indent, `${i === 0 ? '  - ' : '    '}${key}: ${value}`, mark)
      }
    }
  }

  const names = (section: string): string[] => {
    const prefix = section === '' ? '' : `${section}.`
    const below = OPTION_PATHS.filter((path) => path.startsWith(prefix)).map((path) => path.slice(prefix.length))
    return [...new Set(below.map((rest) => prefix + (rest.split('.')[0] ?? rest)))]
  }

  const writeSection = (section: string, indent: string, off: string | undefined): void => {
    for (const path of names(section)) {
      if (section === '') out.push('')
      const option = OPTION_PATHS.find((known) => known === path)
      if (option !== undefined) writeOption(option, indent, off)
      else if (path.endsWith('[]')) writeList(path, indent, off)
      else {
        // An empty section wishes nothing, so it may stand; one that switches something on may not.
        const mark = off ?? (SECTIONS[path]?.switch === true && !chosenBelow(path) ? indent : undefined)
        out.push(...prose(SECTIONS[path]?.about ?? '', indent))
        line(indent, `${leaf(path)}:`, mark)
        writeSection(path, `${indent}  `, mark)
      }
    }
  }

  writeSection('', '', undefined)
  out.push('', ...prose(`Not available in this version: ${Object.keys(LATER).join(', ')}.`, ''))
  return `${out.join('\n')}\n`
}

/** In an example of a list: alternatives would contradict each other. */
const isShown = (path: OptionPath): boolean => !path.endsWith('.read_only') && !path.endsWith('.write_only')
