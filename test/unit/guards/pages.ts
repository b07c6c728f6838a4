import { readText } from './sources.js'

/** Markdown, as far as the guards read it: headings, tables, links, and what stands outside of code. */

export interface Section {
  readonly heading: string
  readonly level: number
  readonly text: string
}

/** Each heading with the text up to the next one of any level. Lines in code are no headings. */
export const sectionsOf = (page: string): Section[] => {
  const sections: { heading: string; level: number; lines: string[] }[] = []
  let inCode = false
  for (const line of readText(page).split('\n')) {
    if (line.startsWith('```')) inCode = !inCode
    const heading = inCode ? null : /^(#+) (.*)$/.exec(line)
    if (heading === null) sections.at(-1)?.lines.push(line)
    else sections.push({ heading: heading[2] ?? '', level: heading[1]?.length ?? 0, lines: [] })
  }
  return sections.map(({ heading, level, lines }) => ({ heading, level, text: lines.join('\n') }))
}

export const sectionOf = (page: string, heading: string): Section => {
  const found = sectionsOf(page).filter((section) => section.heading === heading)
  const [first, second] = found
  if (first === undefined || second !== undefined) throw new Error(`${page} has ${found.length} sections ${heading}`)
  return first
}

/** The cells of every row of the tables in a text, without heads and rules. */
export const rowsOf = (text: string): string[][] => {
  const lines = text.split('\n')
  const isRule = (line: string | undefined): boolean => line !== undefined && /^\|[\s|:-]+\|$/.test(line)
  return lines
    .filter((line, i) => line.startsWith('|') && !isRule(line) && !isRule(lines[i + 1]))
    .map((line) =>
      line
        .slice(1, line.lastIndexOf('|'))
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    )
}

/** What stands in backquotes. */
export const codeIn = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')

/** Lines outside of code blocks and tables, with their number. */
export const proseOf = (page: string): { line: number; text: string }[] => {
  let inCode = false
  return readText(page)
    .split('\n')
    .flatMap((text, i) => {
      const fence = text.startsWith('```')
      if (fence) inCode = !inCode
      return fence || inCode || text.startsWith('|') ? [] : [{ line: i + 1, text }]
    })
}

/** As the usual readers make the anchor of a heading. */
export const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
