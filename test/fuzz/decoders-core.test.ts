import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonical, parseJson } from '../../src/core/canonical.js'
import { DEPENDENCY_KINDS } from '../../src/core/envelope-types.js'
import { checkEventShape, eventId } from '../../src/core/event.js'
import { join, split } from '../../src/core/fragment.js'
import { hexOf } from '../../src/core/hex.js'
import { decodeKapTxxm, encodeKapTxxm } from '../../src/core/kap.js'
import type { KapTxxm } from '../../src/core/kap.js'
import { matches, parseFilter } from '../../src/core/match.js'
import type { Filter } from '../../src/core/match.js'
import { addToLanes, emptyLanes, removeFromLanes, rootOfLanes } from '../../src/core/roothash.js'
import type { JsonObject, JsonValue, NostrEvent } from '../../src/core/types.js'
import { nodeHashes } from '../../src/crypto/hashes.js'

// Whatever comes from outside gives an answer, never an exception; and the fast code agrees with slow code that is plainly right.
// fast-check prints the seed of a failure.

const text = fc.string({ unit: 'grapheme', maxLength: 12 })
const key = fc.oneof(text, fc.constantFrom('__proto__', 'constructor', 'toJSON', 'length', '0', '10', '9', ''))
const json: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.oneof(fc.constant(null), fc.boolean(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), text),
    fc.array(tie('value'), { maxLength: 5 }),
    fc
      .array(fc.tuple(key, tie('value')), { maxLength: 5 })
      // defineProperty, for an assignment to __proto__ would set the prototype.
      .map((members) => {
        const object: JsonObject = {}
        for (const [name, value] of members)
          Object.defineProperty(object, name, { value, enumerable: true, writable: true, configurable: true })
        return object
      }),
  ),
})).value

const hex32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map(hexOf)
const hex64 = fc.uint8Array({ minLength: 64, maxLength: 64 }).map(hexOf)

/** A text after a few random insertions, deletions and replacements of what JSON is made of. */
const mutated = (texts: fc.Arbitrary<string>): fc.Arbitrary<string> => {
  const scrap = fc.oneof(
    fc.constantFrom('"', '\\', '{', '}', '[', ']', ':', ',', 'e', '-', '.', '0', '\\u', '\\ud800', '\ud800', '1e999'),
    fc.string({ unit: 'binary', maxLength: 3 }),
  )
  const edit = fc.record({ at: fc.nat(), cut: fc.nat({ max: 4 }), insert: scrap })
  return fc.tuple(texts, fc.array(edit, { maxLength: 5 })).map(([start, edits]) =>
    edits.reduce((now, { at, cut, insert }) => {
      const from = at % (now.length + 1)
      return now.slice(0, from) + insert + now.slice(from + cut)
    }, start),
  )
}

/** RFC 8785 as it reads, without a thought for speed. */
const naiveCanonical = (value: JsonValue): string => {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(naiveCanonical).join(',')}]`
  const units = (s: string): number[] => Array.from({ length: s.length }, (_, i) => s.charCodeAt(i))
  const compare = (a: number[], b: number[]): number => {
    for (let i = 0; i < Math.min(a.length, b.length); i++) if (a[i] !== b[i]) return a[i]! - b[i]!
    return a.length - b.length
  }
  return `{${Object.keys(value)
    .sort((a, b) => compare(units(a), units(b)))
    .map((name) => `${JSON.stringify(name)}:${naiveCanonical(value[name]!)}`)
    .join(',')}}`
}

/**
 * I-JSON read one character at a time by recursive descent: true where it is JSON without duplicate keys, lone surrogates,
 * infinite numbers or more than 64 levels.
 */
const naiveIsIJson = (source: string): boolean => {
  let at = 0
  const no = (): never => {
    throw new SyntaxError('no')
  }
  const space = (): void => {
    while (at < source.length && ' \t\r\n'.includes(source[at]!)) at++
  }
  const token = (pattern: RegExp): string => {
    const sticky = new RegExp(pattern.source, 'y')
    sticky.lastIndex = at
    const found = sticky.exec(source)?.[0] ?? no()
    at += found.length
    return found
  }
  const string = (): string => {
    // eslint-disable-next-line no-control-regex
    const raw = token(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/)
    const value = JSON.parse(raw) as string
    if (encodeURIComponentFails(value)) no()
    return value
  }
  const value = (depth: number): void => {
    space()
    const next = source[at]
    if (next === '"') string()
    else if (next === '{' || next === '[') {
      if (depth === 64) no()
      at++
      const keys = new Set<string>()
      const end = next === '{' ? '}' : ']'
      space()
      if (source[at] === end) at++
      else
        for (;;) {
          if (next === '{') {
            space()
            const name = string()
            if (keys.has(name)) no()
            keys.add(name)
            space()
            token(/:/)
          }
          value(depth + 1)
          space()
          if (token(/[,\]}]/) === ',') continue
          if (source[at - 1] !== end) no()
          break
        }
    } else if (
      !Number.isFinite(
        Number(token(/true|false|null|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/).replace(/^[a-z]+$/, '0')),
      )
    )
      no()
    space()
  }
  try {
    value(0)
    return at === source.length
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return false
    throw thrown
  }
}

/** Throws a URIError for a lone surrogate, since long before there was isWellFormed. */
const encodeURIComponentFails = (s: string): boolean => {
  try {
    encodeURIComponent(s)
    return false
  } catch {
    return true
  }
}

describe('JSON', () => {
  it('is refused where half a character stands beside an escaped half', () => {
    expect(parseJson('["\\ud800\udc00"]')).toMatchObject({ ok: false, refusal: { code: 'bad-json' } })
  })

  it('a value that was written and read is the same text again', () => {
    fc.assert(
      fc.property(json, (value) => {
        const written = canonical(value)
        const parsed = parseJson(written)
        expect(parsed.ok && canonical(parsed.value)).toBe(written)
      }),
      { numRuns: 1_000 },
    )
  })

  it('is written as a naive implementation of RFC 8785 writes it', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(canonical(value)).toBe(naiveCanonical(value))
      }),
      { numRuns: 1_000 },
    )
  })

  it('numbers are written as a naive implementation writes them, over all bits of a double', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), (bits) => {
        const double = Buffer.from(bits).readDoubleBE()
        fc.pre(Number.isFinite(double))
        expect(canonical(double)).toBe(JSON.stringify(double))
        expect(parseJson(canonical(double))).toEqual({ ok: true, value: double + 0 })
      }),
      { numRuns: 1_000 },
    )
  })

  it('any text gets an answer, the same as from a naive reader, and no exception', () => {
    const texts = fc.oneof(
      mutated(json.map((value) => JSON.stringify(value, undefined, 1))),
      mutated(fc.constantFrom('{"a":1,"\\u0061":2}', '{"a":{"b":[1e308,"\\ud83d\\ude00"]},"c":"\\\\"}', '[[[]],{}]')),
      fc.string({ unit: 'binary' }),
      fc.tuple(fc.nat({ max: 70 }), fc.nat({ max: 70 })).map(([n, m]) => '['.repeat(n) + ']'.repeat(m)),
    )
    fc.assert(
      fc.property(texts, (source) => {
        const parsed = parseJson(source)
        // Half a character beside an escaped half parses to a whole one; but the text itself has no UTF-8 form.
        const isText = Buffer.from(source).toString() === source
        expect(parsed.ok).toBe(isText && naiveIsIJson(source))
        if (parsed.ok) expect(canonical(parsed.value)).toBe(naiveCanonical(parsed.value))
        else expect(parsed.refusal.code).toBe('bad-json')
      }),
      { numRuns: 3_000 },
    )
  })
})

const almostEvent = fc.record(
  {
    id: fc.oneof(hex32, fc.anything()),
    pubkey: fc.oneof(hex32, fc.anything()),
    created_at: fc.oneof(fc.nat(), fc.anything()),
    kind: fc.oneof(fc.nat({ max: 65_535 }), fc.anything()),
    tags: fc.oneof(fc.array(fc.array(text, { minLength: 1, maxLength: 3 }), { maxLength: 4 }), fc.anything()),
    content: fc.oneof(fc.string({ unit: 'binary' }), fc.anything()),
    sig: fc.oneof(hex64, fc.anything()),
    more: fc.anything(),
  },
  { requiredKeys: [] },
)

describe('events', () => {
  it('anything gets an answer; what is accepted has an id and is accepted again, unchanged', () => {
    fc.assert(
      fc.property(fc.oneof(almostEvent, fc.anything(), json), (x) => {
        const checked = checkEventShape(x)
        if (!checked.ok) expect(checked.refusal.code).toBe('bad-event')
        else {
          expect(Object.keys(checked.value)).toHaveLength(7)
          expect(eventId(checked.value, nodeHashes)).toMatch(/^[0-9a-f]{64}$/)
          expect(checkEventShape(JSON.parse(JSON.stringify(checked.value)))).toEqual(checked)
        }
      }),
      { numRuns: 2_000 },
    )
  })
})

// Few values, so that filters and events often meet.
const someHex = fc.constantFrom('a', 'b', 'c').map((digit) => digit.repeat(64))
const someText = fc.constantFrom('x', 'y', '', 'kapnet')
const someEvent = fc.record({
  id: someHex,
  pubkey: someHex,
  created_at: fc.nat({ max: 4 }),
  kind: fc.nat({ max: 2 }),
  tags: fc.array(
    fc.oneof(
      fc.tuple(fc.constantFrom('e', 'p'), someHex),
      fc.tuple(fc.constantFrom('t', 'T', 'd'), someText),
      fc.tuple(fc.constant('t'), someText, someText),
      fc.tuple(fc.constantFrom('t', 'd')),
    ),
    { maxLength: 4 },
  ),
  content: fc.constant(''),
  sig: fc.constant('0'.repeat(128)),
}) as unknown as fc.Arbitrary<NostrEvent>
const someFilter = fc.record(
  {
    ids: fc.array(someHex, { maxLength: 2 }),
    authors: fc.array(someHex, { maxLength: 2 }),
    kinds: fc.array(fc.nat({ max: 2 }), { maxLength: 2 }),
    since: fc.nat({ max: 4 }),
    until: fc.nat({ max: 4 }),
    limit: fc.nat(),
    '#e': fc.array(someHex, { maxLength: 2 }),
    '#p': fc.array(someHex, { maxLength: 2 }),
    '#t': fc.array(someText, { maxLength: 2 }),
    '#T': fc.array(someText, { maxLength: 2 }),
    '#d': fc.array(someText, { maxLength: 2 }),
  },
  { requiredKeys: [] },
)

/** Every condition of NIP-01 looked for in turn. */
const naiveMatches = (f: Record<string, unknown>, e: NostrEvent): boolean =>
  Object.entries(f).every(([name, wanted]) => {
    if (name === 'limit') return true
    if (name === 'since') return e.created_at >= (wanted as number)
    if (name === 'until') return e.created_at <= (wanted as number)
    const has =
      name === 'ids'
        ? [e.id]
        : name === 'authors'
          ? [e.pubkey]
          : name === 'kinds'
            ? [e.kind]
            : e.tags.filter((tag) => `#${tag[0]!}` === name && tag.length > 1).map((tag) => tag[1]!)
    return has.some((value) => (wanted as unknown[]).includes(value))
  })

describe('filters', () => {
  it('match as a naive matcher does', () => {
    fc.assert(
      fc.property(someFilter, someEvent, (filter, event) => {
        const parsed = parseFilter(filter)
        expect(parsed).toEqual({ ok: true, value: filter })
        expect(matches(filter as Filter, event)).toBe(naiveMatches(filter, event))
      }),
      { numRuns: 3_000 },
    )
  })

  it('anything gets an answer, and what is accepted is accepted again', () => {
    const almost = fc.tuple(
      someFilter,
      fc.dictionary(fc.oneof(text, fc.constantFrom('ids', '#t', 'since', '#p', '__proto__')), fc.anything()),
    )
    fc.assert(
      fc.property(
        fc.oneof(
          almost.map(([f, more]) => ({ ...f, ...more })),
          fc.anything(),
          json,
        ),
        someEvent,
        (x, event) => {
          const parsed = parseFilter(x)
          if (!parsed.ok) expect(parsed.refusal.code).toBe('bad-schema')
          else {
            expect(parseFilter(JSON.parse(JSON.stringify(parsed.value)))).toEqual(parsed)
            expect(matches(parsed.value, event)).toBe(naiveMatches(parsed.value as Record<string, unknown>, event))
          }
        },
      ),
      { numRuns: 2_000 },
    )
  })
})

const u16 = fc.integer({ min: 0, max: 0xffff })
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const kapTxxm: fc.Arbitrary<KapTxxm> = fc
  .record({
    network_id: fc.integer({ min: 0, max: 0xffff_ffff }),
    message_class: u16,
    namespace_id: hex32,
    sender_key: hex32,
    nonce: u64,
    created_at: u64,
    valid_from: u64,
    valid_until: u64,
    dependencies: fc.uniqueArray(fc.record({ kind: fc.constantFrom(...DEPENDENCY_KINDS), hash: hex32 }), {
      selector: ({ kind, hash }) => kind + hash,
      maxLength: 6,
    }),
    payload_hash: hex32,
    payload_length: u64,
    postage_class: u16,
    postage_limit: u64,
    settlement_hint_flags: u16,
    attachment_root: hex32,
    signature_scheme: fc.constant(1),
    signature: hex64,
    extensions: fc.uniqueArray(
      fc.record({ tag: fc.integer({ min: 0, max: 0x7fff }), data: fc.uint8Array({ maxLength: 300 }) }),
      { selector: ({ tag }) => tag, maxLength: 3 },
    ),
  })
  .map((txxm) => ({
    ...txxm,
    valid_from: txxm.valid_from < txxm.valid_until ? txxm.valid_from : txxm.valid_until,
    valid_until: txxm.valid_from < txxm.valid_until ? txxm.valid_until : txxm.valid_from,
    extensions: txxm.extensions.sort((a, b) => a.tag - b.tag),
  }))

describe('KAP-010 bytes', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(kapTxxm, (txxm) => {
        expect(decodeKapTxxm(encodeKapTxxm(txxm))).toEqual({ ok: true, value: txxm })
      }),
      { numRuns: 300 },
    )
  })

  it('have one form: whatever is accepted is written again as it was, and the rest is refused without an exception', () => {
    const edit = fc.record({ at: fc.nat(), cut: fc.nat({ max: 2 }), insert: fc.uint8Array({ maxLength: 2 }) })
    const nearby = fc.tuple(kapTxxm, fc.array(edit, { maxLength: 3 })).map(([txxm, edits]) =>
      edits.reduce((now, { at, cut, insert }) => {
        const from = at % now.length
        return Uint8Array.of(...now.subarray(0, from), ...insert, ...now.subarray(from + cut))
      }, encodeKapTxxm(txxm)),
    )
    let accepted = 0
    fc.assert(
      fc.property(fc.oneof({ weight: 4, arbitrary: nearby }, { weight: 1, arbitrary: fc.uint8Array() }), (bytes) => {
        const decoded = decodeKapTxxm(bytes)
        if (decoded.ok) {
          accepted++
          expect(hexOf(encodeKapTxxm(decoded.value))).toBe(hexOf(bytes))
        } else expect(['bad-schema', 'unsupported-version']).toContain(decoded.refusal.code)
      }),
      { numRuns: 1_000 },
    )
    // Flipped hashes and numbers stay valid, so a good part must have been accepted; else this showed nothing.
    expect(accepted).toBeGreaterThan(20)
  })
})

describe('fragments', () => {
  it('make the text again in any order, whatever the text', () => {
    const shuffled = fc
      .tuple(fc.string({ unit: 'grapheme', maxLength: 200 }), fc.integer({ min: 4, max: 50 }))
      .chain(([whole, size]) => {
        const cut = split(whole, size, nodeHashes)
        const fragments = cut.ok ? [...cut.value] : []
        return fc.tuple(fc.constant(whole), fc.shuffledSubarray(fragments, { minLength: fragments.length }))
      })
    fc.assert(
      fc.property(shuffled, ([whole, fragments]) => {
        fc.pre(fragments.length > 0)
        expect(join(fragments, nodeHashes)).toEqual({ ok: true, value: whole })
      }),
    )
  })

  it('anything of their type gets an answer', () => {
    const some = fc.record({
      of: hex32,
      index: fc.double(),
      count: fc.oneof(fc.double(), fc.nat({ max: 3 })),
      data: text,
    })
    fc.assert(
      fc.property(fc.array(some, { maxLength: 4 }), (fragments) => {
        expect(join(fragments, nodeHashes).ok).toBe(false)
      }),
    )
  })
})

describe('the root', () => {
  const rootOf = (ids: readonly string[], removed: readonly string[] = []): string => {
    const lanes = emptyLanes()
    for (const id of ids) addToLanes(lanes, id, nodeHashes)
    for (const id of removed) removeFromLanes(lanes, id, nodeHashes)
    return rootOfLanes(lanes, nodeHashes)
  }
  const ids = fc.uniqueArray(hex32, { maxLength: 12 })
  const idsTwoWays = ids.chain((some) =>
    fc.tuple(fc.constant(some), fc.shuffledSubarray(some, { minLength: some.length })),
  )

  it('does not depend on the order', () => {
    fc.assert(
      fc.property(idsTwoWays, ([some, shuffled]) => {
        expect(rootOf(shuffled)).toBe(rootOf(some))
      }),
    )
  })

  it('forgets what was added and removed, and is empty again when all is removed', () => {
    fc.assert(
      fc.property(idsTwoWays, fc.nat({ max: 12 }), ([some, shuffled], keep) => {
        expect(rootOf(some, shuffled.slice(keep))).toBe(rootOf(shuffled.slice(0, keep)))
        expect(rootOf(some, shuffled)).toBe(rootOf([]))
      }),
    )
  })

  it('differs between different sets', () => {
    fc.assert(
      fc.property(ids, hex32, (some, another) => {
        fc.pre(!some.includes(another))
        expect(rootOf([...some, another])).not.toBe(rootOf(some))
      }),
    )
  })

  it('is the lane-wise sum that braid.md describes', () => {
    fc.assert(
      fc.property(ids, (some) => {
        const sums = Array<number>(1_024).fill(0)
        for (const id of some) {
          const stretched = Buffer.from(nodeHashes.shake256(Buffer.from(id, 'hex'), 2_048))
          sums.forEach((sum, lane) => (sums[lane] = (sum + stretched.readUInt16LE(2 * lane)) % 65_536))
        }
        const bytes = Buffer.alloc(2_048)
        sums.forEach((sum, lane) => bytes.writeUInt16LE(sum, 2 * lane))
        expect(rootOf(some)).toBe(nodeHashes.sha256Hex(bytes))
      }),
    )
  })
})
