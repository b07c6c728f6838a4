import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { withOptionsTable } from '../src/config/render-options.js'

/** Writes the table of options, from its one source, into every page that has the markers for it. */
for (const page of ['docs/configuration.md', 'README.md']) {
  const file = new URL(`../../${page}`, import.meta.url)
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const fresh = withOptionsTable(text)
  if (fresh !== undefined && fresh !== text) writeFileSync(file, fresh)
}
