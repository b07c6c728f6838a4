import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Puts the figures into docs/benchmarks.md, where the marks say. */
export const BEGIN = '<!-- npm run bench:relay -- --write: from here -->'
export const END = '<!-- npm run bench:relay -- --write: to here -->'

export const writeDocs = (section: string): string => {
  const page = join(projectRoot(), 'docs', 'benchmarks.md')
  writeFileSync(page, withSection(readFileSync(page, 'utf8'), section))
  return page
}

/** Throws where the marks are missing. */
export const withSection = (text: string, section: string): string => {
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)]
  if (from < 0 || to < from) throw new Error('docs/benchmarks.md has lost its marks for the figures')
  return `${text.slice(0, from + BEGIN.length)}\n\n${section}\n\n${text.slice(to)}`
}

/** From scripts/ as well as from dist/scripts/. */
const projectRoot = (): string => {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder)
  return folder
}
