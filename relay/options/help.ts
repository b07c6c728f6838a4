import type { Options, OptionRow } from './row.js'

/** The table of a command's options as people read it: in `--help`, and in docs/cli.md. */

const WIDTH = 118
const INDENT = '  '

const shownFlag = (name: string, { value }: OptionRow<unknown>): string =>
  value === undefined ? `--${name}` : `--${name} ${value}`

const shownDefault = ({ default: standard }: OptionRow<unknown>): string =>
  standard === undefined ? '' : ` (default ${standard})`

const wrapped = (text: string, width: number): string[] => {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = ''
    }
    line += line === '' ? word : ` ${word}`
  }
  return [...lines, line]
}

/** One line an option, or as many as it takes, under the headings of their groups. */
export const optionsHelp = (options: Options): string => {
  const rows = Object.entries(options)
  const column = Math.max(...rows.map(([name, row]) => shownFlag(name, row).length)) + 2 * INDENT.length
  const groups = [...new Set(rows.map(([, { group }]) => group))]
  const section = (group: string): string => {
    const lines = rows
      .filter(([, row]) => row.group === group)
      .flatMap(([name, row]) =>
        wrapped(row.about + shownDefault(row), WIDTH - column).map(
          (text, i) => (i === 0 ? `${INDENT}${shownFlag(name, row)}` : '').padEnd(column) + text,
        ),
      )
    return [`${group}:`, ...lines].join('\n')
  }
  return groups.map(section).join('\n\n')
}

export const RELAY_TABLE_START = '<!-- relay options:start -->'
export const RELAY_TABLE_END = '<!-- relay options:end -->'

const markdown = (options: Options): string => {
  const cell = (text: string): string => text.replaceAll('|', '\\|')
  const rows = Object.entries(options).map(([name, row]) => {
    const config = row.config === undefined ? '' : `\`${row.config}\``
    const standard = row.default === undefined ? '' : `\`${row.default}\``
    return [`\`${shownFlag(name, row)}\``, standard, row.about, config].map(cell).join(' | ')
  })
  const head = ['option | default | what it is | in `private_relay`', '--- | --- | --- | ---']
  return [...head, ...rows].map((row) => `| ${row.trimEnd()} |`).join('\n')
}

/** A page with what stands between the markers replaced by the table; undefined for one without them. */
export const withRelayTable = (page: string, options: Options): string | undefined => {
  const start = page.indexOf(RELAY_TABLE_START)
  const end = page.indexOf(RELAY_TABLE_END)
  if (start < 0 || end < start) return undefined
  return `${page.slice(0, start)}${RELAY_TABLE_START}\n\n${markdown(options)}\n\n${page.slice(end)}`
}
