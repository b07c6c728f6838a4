import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { OPTIONS } from '../relay/options.js'
import { withRelayTable } from '../relay/options/help.js'
import { withOptionsTable } from '../src/config/render-options.js'

/** Writes the tables of options, each from its one source, into every page that has the markers for it. */
for (const page of ['docs/configuration.md', 'docs/cli.md', 'README.md']) {
  const file = new URL(`../../${page}`, import.meta.url)
  const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
  const withOurs = withOptionsTable(text) ?? text
  const fresh = withRelayTable(withOurs, OPTIONS) ?? withOurs
  if (fresh !== text) writeFileSync(file, fresh)
}
