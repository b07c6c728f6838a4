import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import Ajv2020 from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'
import { BODY_KEYS } from '../../../src/core/envelope-types.js'
import { isAction, isAgentId, isHermId, isHex32, isHex64, isMessageType, isTaskId } from '../../../src/core/names.js'
import { normalKor } from '../../../src/core/kor.js'
import { WIRE_KIND, WIRE_KINDS } from '../../../src/core/wire.js'

const root = new URL('../../../', import.meta.url)
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8')
const schemaFiles = readdirSync(new URL('kinds/', root)).filter((name) => name.endsWith('.schema.json'))
const schemas = schemaFiles.map((name) => JSON.parse(read(`kinds/${name}`)) as Record<string, unknown>)

interface Registry {
  kinds: { kind: number; name: string; class: string; direction: string; schema: string | null; source: string }[]
  types: {
    type: string
    body: string | null
    kinds: { public: number; private?: number }
    schema: string
    direction: string
    source: string
  }[]
}
const registry = JSON.parse(read('kinds/registry.json')) as Registry

describe('the schemas', () => {
  it('are valid 2020-12 schemas, without the tolerance of a lenient compiler', () => {
    const ajv = new Ajv2020.default({ schemas, strict: true, strictTypes: true, validateFormats: false })

    for (const schema of schemas) expect(ajv.getSchema(schema.$id as string)).toBeTypeOf('function')
  })

  it('are those that the validators were made of', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/build-kinds.mjs', '--check'], { cwd: root })

    expect(stderr.toString()).toBe('')
    expect(status).toBe(0)
  })

  it('make validators that need no module at run time', () => {
    expect(read('src/core/validators.js')).not.toMatch(
      /\brequire\b\(|\bimport\b(?!\('\.\/schema-check)|\beval\b|new Function/,
    )
  })

  it('use patterns that every regular expression engine has', () => {
    const text = schemas.map((schema) => JSON.stringify(schema)).join('\n')

    expect(text).not.toMatch(/"pattern":"[^"]*(\(\?[=!<]|\\[dwsb])/)
  })

  it('limit every string and every list', () => {
    const unlimited: string[] = []
    const walk = (schema: unknown, path: string): void => {
      if (typeof schema !== 'object' || schema === null) return
      const s = schema as Record<string, unknown>
      if (s.type === 'string' && !('maxLength' in s || 'pattern' in s || 'enum' in s || '$ref' in s))
        unlimited.push(path)
      if (s.type === 'array' && !('maxItems' in s)) unlimited.push(path)
      for (const [key, value] of Object.entries(s)) walk(value, `${path}/${key}`)
    }

    schemas.forEach((schema, i) => walk(schema, schemaFiles[i] ?? ''))

    expect(unlimited).toEqual([])
  })
})

describe('the grammar', () => {
  const ajv = new Ajv2020.default({ schemas })
  const fits = (name: string, value: unknown): boolean => {
    const common = schemas.find((schema) => schema.title === 'Definitions shared by every content type')
    return ajv.validate({ $ref: `${String(common?.$id)}#/$defs/${name}` }, value)
  }
  const pairs = { hermId: isHermId, agentId: isAgentId, messageType: isMessageType, action: isAction, taskId: isTaskId }
  const names = [
    ...['', 'a', 'A', '-', '_', 'a-', 'a_', 'a.b', 'a:b', 'a b', 'a\n', '\na', 'any', 'local', 'dispatch', 'ä', '0'],
    ...[31, 32, 33, 62, 63, 64, 65, 127, 128, 129].map((length) => 'a'.repeat(length)),
  ]

  it.each(Object.entries(pairs))('of %s is the same in the schema and in the code', (name, isName) => {
    for (const text of names) expect(fits(name, text), JSON.stringify(text)).toBe(isName(text))
  })

  it('of KOR names is the same in the schema and in the code', () => {
    const long = [252, 253, 254].map((length) => 'ab.'.repeat(100).slice(0, length).replace(/\.$/, 'b'))
    for (const text of [...names, ...long, 'a..b', '.a', 'a.', '_a.b', 'a._b', 'A.B', '\u212a.b']) {
      expect(fits('korName', text), JSON.stringify(text)).toBe(normalKor(text) !== undefined)
    }
  })

  it('of hex is the same in the schema and in the code', () => {
    for (const text of [
      '0'.repeat(64),
      'A'.repeat(64),
      'g'.repeat(64),
      'f'.repeat(63),
      '0'.repeat(128),
      '0'.repeat(129),
    ]) {
      expect(fits('hex32', text)).toBe(isHex32(text))
      expect(fits('hex64', text)).toBe(isHex64(text))
    }
  })

  it('of a nonce is exactly u64', () => {
    const around = [
      0n,
      9n,
      10n,
      2n ** 63n,
      10n ** 19n - 1n,
      10n ** 19n,
      2n ** 64n - 1n,
      2n ** 64n,
      10n ** 20n - 1n,
      10n ** 20n,
    ]
    const boundaries = Array.from(
      { length: 20 },
      (_, i) => (18446744073709551615n / 10n ** BigInt(i)) * 10n ** BigInt(i),
    )
    const all = [...around, ...boundaries].flatMap((n) => [n - 1n, n, n + 1n])

    for (const n of all) expect(fits('nonce', String(n)), String(n)).toBe(n >= 0n && n < 2n ** 64n)
    for (const text of ['', '00', '01', '+1', '1.0', '1e3', ' 1', '1\n']) expect(fits('nonce', text)).toBe(false)
  })

  it('of base64 reads half a megabyte without a deep stack', () => {
    expect(fits('base64', 'A'.repeat(699052))).toBe(true)
    expect(fits('base64', `${'A'.repeat(699050)}-A`)).toBe(false)
    expect(fits('base64', 'A'.repeat(699056))).toBe(false)
  })
})

describe('the registry', () => {
  /** NIP-01. */
  const classOf = (kind: number): string => {
    if (kind === 0 || kind === 3 || (kind >= 10000 && kind < 20000)) return 'replaceable'
    if (kind >= 20000 && kind < 30000) return 'ephemeral'
    return kind >= 30000 && kind < 40000 ? 'addressable' : 'regular'
  }

  it('gives every kind its NIP-01 class, a direction and a source', () => {
    for (const row of registry.kinds) {
      expect(row.class, row.name).toBe(classOf(row.kind))
      expect(['in', 'out', 'both', 'none']).toContain(row.direction)
      expect(row.source).not.toBe('')
    }
    expect(new Set(registry.kinds.map(({ kind }) => kind)).size).toBe(registry.kinds.length)
  })

  it('names every schema, and no other', () => {
    const named = [...registry.types.map(({ schema }) => schema), 'common.schema.json']

    expect(named.toSorted()).toEqual(schemaFiles.toSorted())
    for (const { schema } of registry.kinds) if (schema !== null) expect(schemaFiles).toContain(schema)
  })

  it('holds the types, body keys and kinds that the code uses', () => {
    const hashed = registry.types.filter(({ body }) => body !== null)

    expect(Object.fromEntries(hashed.map(({ type, body }) => [type, body]))).toEqual(BODY_KEYS)
    expect(Object.fromEntries(hashed.map(({ type, kinds }) => [type, kinds.private]))).toEqual(WIRE_KINDS.private)
    for (const { kinds } of registry.types) expect(kinds.public).toBe(WIRE_KIND)
    const listed = new Set(registry.kinds.map(({ kind }) => kind))
    for (const kind of [WIRE_KIND, ...Object.values(WIRE_KINDS.private)]) expect(listed).toContain(kind)
  })
})
