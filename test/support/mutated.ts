import fc from 'fast-check'
import { canonical } from '../../src/core/canonical.js'
import { BODY_KEYS, type BodyType } from '../../src/core/envelope-types.js'
import type { JsonObject, JsonValue } from '../../src/core/types.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import { eventVectors } from './vectors.js'

// Contents that are nearly right: those of the valid vectors, with a few places changed.

/** Whole contents of every type, to be mutated. The largest would only slow the mutation of the others down. */
export const seeds = eventVectors('valid')
  .map(({ event, text }) => text ?? event.content)
  .filter((text) => text.length < 5_000)
  .map((text) => JSON.parse(text) as JsonObject)

const json = fc.jsonValue({ maxDepth: 3, noUnicodeString: false }) as fc.Arbitrary<JsonValue>
/** Values that are near what some member wants. */
export const near = fc.oneof(
  json,
  fc.constantFrom<JsonValue>(
    0,
    -1,
    1,
    1.5,
    256,
    2 ** 32,
    2 ** 53,
    '',
    'any',
    'dispatch',
    'gossip',
    'rejected',
    'a..b',
    '01',
  ),
  fc.constantFrom<JsonValue>(null, [], {}, [[]], [0, 1], true, 'ab'.repeat(32), 'AB'.repeat(32), ['ab'.repeat(32)]),
)

/** One place of a value changed, added or removed. */
export const mutate = (value: JsonValue, path: readonly number[], change: JsonValue, how: number): JsonValue => {
  if (path.length === 0 || typeof value !== 'object' || value === null) return change
  const copy = structuredClone(value)
  let at: JsonValue = copy
  for (const [depth, step] of path.entries()) {
    const keys: string[] = Object.keys(at)
    const key = keys[step % Math.max(keys.length, 1)]
    const holder = at as JsonObject
    const next: JsonValue | undefined = key === undefined ? undefined : holder[key]
    const goesOn = depth < path.length - 1 && typeof next === 'object' && next !== null
    if (key !== undefined && goesOn) {
      at = next
      continue
    }
    if (Array.isArray(at)) at.push(how % 3 === 0 && next !== undefined ? next : change)
    else if (key === undefined || how % 3 === 2) holder[`x${step}`] = change
    else if (how % 3 === 1) Reflect.deleteProperty(holder, key)
    else holder[key] = change
    break
  }
  return copy
}

export const mutated: fc.Arbitrary<JsonValue> = fc
  .tuple(
    fc.constantFrom(...seeds),
    fc.array(fc.tuple(fc.array(fc.nat(12), { minLength: 1, maxLength: 5 }), near, fc.nat(2)), { maxLength: 3 }),
    fc.boolean(),
  )
  .map(([seed, changes, rehash]) => {
    let content: JsonValue = seed
    for (const [path, change, how] of changes) content = mutate(content, path, change, how)
    return rehash ? withHash(content) : content
  })

export const isBodyType = (type: unknown): type is BodyType =>
  typeof type === 'string' && Object.hasOwn(BODY_KEYS, type)

/** With the sha256 of the body that it has now, so that more than bad-hash is reached. */
export const withHash = (content: JsonValue): JsonValue => {
  if (typeof content !== 'object' || content === null || Array.isArray(content)) return content
  const { type } = content
  if (!isBodyType(type)) return content
  const body = content[BODY_KEYS[type]] ?? content.receipts
  if (body === undefined || !isWellFormedJson(body)) return content
  return { ...content, sha256: nodeHashes.sha256Hex(canonical(body)) }
}
const isWellFormedJson = (value: JsonValue): boolean => {
  try {
    canonical(value)
    return true
  } catch {
    return false
  }
}
