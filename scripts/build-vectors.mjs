// Writes the vectors of suite "event" into kinds/vectors: one file each, its form in kinds/README.md. `--check` writes
// nothing and exits 1 where a file is absent, different or not of this making. Files of other suites are left alone.

import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { invalid } from './vectors/invalid.mjs'
import { receiver } from './vectors/receiver.mjs'
import { valid } from './vectors/valid.mjs'

const PREFIX = 'event-'
const folders = {
  valid: new URL('../kinds/vectors/valid/', import.meta.url),
  invalid: new URL('../kinds/vectors/invalid/', import.meta.url),
}

const fileText = ({ name, see, why, stage = 'content', road, context, event, text, rumor, expect, code }) =>
  `${JSON.stringify({ suite: 'event', name, why, see, stage, road, context, event, text, rumor, expect, code }, null, 2)}\n`

const { takes, refuses } = receiver()
const wanted = { valid: [...valid(), ...takes], invalid: [...invalid(), ...refuses] }
const check = process.argv.includes('--check')
let stale = 0

for (const [verdict, rows] of Object.entries(wanted)) {
  const folder = folders[verdict]
  mkdirSync(folder, { recursive: true })
  const files = new Map(rows.map((row) => [`${PREFIX}${row.name}.json`, fileText(row)]))
  if (files.size !== rows.length) throw new Error(`two ${verdict} vectors have one name`)
  const present = readdirSync(folder).filter((name) => name.startsWith(PREFIX))
  for (const name of present.filter((file) => !files.has(file))) {
    if (check) stale++
    else rmSync(new URL(name, folder))
  }
  for (const [name, text] of files) {
    if (!check) writeFileSync(new URL(name, folder), text)
    else if (!present.includes(name) || readFileSync(new URL(name, folder), 'utf8') !== text) stale++
  }
}
if (stale > 0) {
  console.error(`${stale} vectors are stale: node scripts/build-vectors.mjs`)
  process.exitCode = 1
}
