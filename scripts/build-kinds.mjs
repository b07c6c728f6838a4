// Turns kinds/*.schema.json into src/core/validators.js: plain functions that need nothing at run time. The schemas stay
// the contract; the functions are what the hot path runs. `--check` writes nothing and exits 1 when the file is stale.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import Ajv2020 from 'ajv/dist/2020.js'
import standaloneCode from 'ajv/dist/standalone/index.js'

const kinds = new URL('../kinds/', import.meta.url)
const target = new URL('../src/core/validators.js', import.meta.url)

/** The two runtime functions of ajv that generated code asks for, written out so that the file stands alone. */
const RUNTIME = [
  {
    asked: 'require("ajv/dist/runtime/ucs2length").default',
    name: 'codePoints',
    text: `function codePoints(text) {
  let length = text.length
  for (let at = text.length - 1; at > 0; at--) {
    if ((text.charCodeAt(at) & 0xfc00) === 0xdc00 && (text.charCodeAt(at - 1) & 0xfc00) === 0xd800) {
      length--
      at--
    }
  }
  return length
}`,
  },
  {
    asked: 'require("ajv/dist/runtime/equal").default',
    name: 'sameJson',
    text: `function sameJson(a, b) {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  if (keys.length !== Object.keys(b).length) return false
  return keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
}`,
  },
]

/** Members of a schema that map names to schemas: their keys are no keywords. */
const NAME_MAPS = new Set(['properties', '$defs'])
const ANNOTATIONS = new Set(['title', 'description'])

/** A schema without its prose, and with each `file#/$defs/name` turned into the document `file.name`. */
const plain = (schema, file) => {
  if (Array.isArray(schema)) return schema.map((part) => plain(part, file))
  if (typeof schema !== 'object' || schema === null) return schema
  const out = {}
  for (const [key, value] of Object.entries(schema)) {
    if (ANNOTATIONS.has(key)) continue
    if (key === '$ref') out.$ref = value.replace(/^#/, `${file}#`).replace('#/$defs/', '.')
    else if (NAME_MAPS.has(key))
      out[key] = Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part, file)]))
    else out[key] = plain(value, file)
  }
  return out
}

/** One document for each definition: ajv compiles a document once, but a pointer into one again at every place. */
const split = (schema) => {
  const file = schema.$id.slice(schema.$id.lastIndexOf('/') + 1)
  const { $defs = {}, ...root } = plain(schema, file)
  const parts = Object.entries($defs).map(([name, part]) => ({ ...part, $id: `${schema.$id}.${name}` }))
  return [root, ...parts]
}

const camel = (name) => name.replace(/-([a-z])/g, (_, letter) => letter.toUpperCase())

/** The functions to export: one for each content, one for each body. */
const exportsOf = (schemas) => {
  const names = {}
  for (const { $id, $defs } of schemas) {
    const type = $id.slice($id.lastIndexOf('/') + 1).replace('.schema.json', '')
    if (type === 'common') continue
    names[camel(`${type}-content`)] = $id
    for (const part of ['body', 'bodies']) {
      if ($defs?.[part]) names[camel(`${type}-${part}`)] = `${$id}.${part}`
    }
  }
  return names
}

const build = () => {
  const files = readdirSync(kinds)
    .filter((name) => name.endsWith('.schema.json'))
    .sort()
  const schemas = files.map((name) => JSON.parse(readFileSync(new URL(name, kinds), 'utf8')))
  const ajv = new Ajv2020({
    schemas: schemas.flatMap(split),
    strict: true,
    strictTypes: true,
    code: { source: true, esm: true, lines: true },
  })
  let code = standaloneCode(ajv, exportsOf(schemas)).replace(/^"use strict";/, '')
  for (const { asked, name, text } of RUNTIME) {
    if (code.includes(asked)) code = `${text}\n${code.replaceAll(asked, name)}`
  }
  if (/\brequire\(|\bimport\b/.test(code)) throw new Error('the generated code still asks for a module')
  // ajv keeps every schema it compiled as a constant; the code reads only those with an `enum`.
  code = code.replace(/^const (schema\d+) = .*;\n/gm, (line, name) =>
    new RegExp(`\\b${name}\\.`).test(code) ? line : '',
  )
  // The declared type stands at the export, so that the compiler need not look into the generated functions.
  code = code.replace(
    /^export const (\w+) = (validate\w+);$/gm,
    "\n/** @type {import('./schema-check.js').SchemaCheck} */\nexport const $1 = $2;",
  )
  return `// Generated from kinds/*.schema.json by scripts/build-kinds.mjs. Do not edit: npm run build:kinds\n\n${code.trim()}\n`
}

const present = () => {
  try {
    return readFileSync(target, 'utf8')
  } catch {
    return undefined
  }
}

const built = build()
if (!process.argv.includes('--check')) {
  writeFileSync(target, built)
} else if (present() !== built) {
  console.error('src/core/validators.js is stale: npm run build:kinds')
  process.exitCode = 1
}
