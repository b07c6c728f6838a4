import { describe, expect, it } from 'vitest'
import { MAX_JSON_DEPTH, canonical, parseJson } from '../../../src/core/canonical.js'
import type { JsonValue } from '../../../src/core/types.js'

const nested = (open: string, depth: number, close: string): string => open.repeat(depth) + close.repeat(depth)

describe('parseJson', () => {
  it('takes 64 levels and refuses the 65th, or whatever limit it is given', () => {
    expect(parseJson(nested('[', MAX_JSON_DEPTH, ']'))).toMatchObject({ ok: true })
    expect(parseJson(nested('[', MAX_JSON_DEPTH + 1, ']'))).toMatchObject({ ok: false, refusal: { code: 'bad-json' } })
    expect(parseJson('[[1]]', 1)).toMatchObject({ ok: false })
    expect(parseJson('[1]', 1)).toMatchObject({ ok: true })
    expect(parseJson('1', 0)).toMatchObject({ ok: true })
  })

  it.each([
    ['brackets', nested('[', 100_000, ']')],
    ['brackets that are never closed', '['.repeat(100_000)],
    ['objects', '{"a":'.repeat(100_000)],
    ['brackets within a limit that lets them in', nested('[', 100_000, ']'), 200_000],
  ])('does not overflow the stack on 100,000 %s', (_, text, maxDepth = 64) => {
    expect(parseJson(text, maxDepth).ok).toBe(maxDepth > 100_000)
  })

  it('counts only levels that are open at once', () => {
    expect(parseJson(`[${Array(1_000).fill('[]').join(',')}]`)).toMatchObject({ ok: true })
  })

  it('keeps __proto__ as a key of its own, and changes no prototype', () => {
    const parsed = parseJson('{"__proto__":{"polluted":1},"a":{"__proto__":null}}')
    expect(parsed.ok).toBe(true)
    const value = (parsed as { value: Record<string, JsonValue> }).value
    expect(Object.keys(value)).toEqual(['__proto__', 'a'])
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
    expect(canonical(value)).toBe('{"__proto__":{"polluted":1},"a":{"__proto__":null}}')
  })

  it('refuses a raw lone surrogate, in a value and in a key', () => {
    for (const text of ['"\ud800"', '["a\udc00b"]', '{"\udfff":1}', '"\udc00\ud800"']) {
      expect(parseJson(text)).toMatchObject({ ok: false, refusal: { code: 'bad-json' } })
    }
  })

  it('takes pairs, and a backslash before what only looks like an escape', () => {
    expect(parseJson('"\ud83d\ude00"')).toEqual({ ok: true, value: '\u{1f600}' })
    expect(parseJson('"\\ud83d\\ude00"')).toEqual({ ok: true, value: '\u{1f600}' })
    expect(parseJson('"\\\\ud83d"')).toEqual({ ok: true, value: '\\ud83d' })
  })

  it('finds the end of a string behind any number of backslashes', () => {
    for (let backslashes = 0; backslashes < 9; backslashes++) {
      const text = `{"a":"${'\\'.repeat(backslashes)}","b":1}`
      // An odd number escapes the quote: the string then goes on, and the rest is no JSON.
      expect(parseJson(text).ok, text).toBe(backslashes % 2 === 0)
    }
  })

  it('never repeats the text in a refusal', () => {
    const refused = parseJson('{"secret":"hunter2" oops')
    expect(JSON.stringify(refused)).not.toMatch(/hunter2|oops/)
  })

  it('is linear in quotes and backslashes', () => {
    // Half a million escaped quotes: were each looked at from the start again, this would never end.
    expect(parseJson(`"${'\\"'.repeat(500_000)}"`)).toMatchObject({ ok: true })
    expect(parseJson(`"${'\\\\'.repeat(500_000)}"`)).toMatchObject({ ok: true })
  })
})

describe('canonical', () => {
  it('sorts keys by UTF-16 code units', () => {
    expect(canonical({ '\ufb33': 1, '\u{1f600}': 2, b: 3, a: 4, B: 5, '10': 6, '9': 7 })).toBe(
      '{"10":6,"9":7,"B":5,"a":4,"b":3,"\u{1f600}":2,"\ufb33":1}',
    )
  })

  it('writes -0 as 0', () => {
    expect(canonical([-0, { a: -0 }])).toBe('[0,{"a":0}]')
  })

  it.each<[string, unknown]>([
    ['a lone surrogate', '\ud800'],
    ['a lone surrogate beside a pair', '\u{1f600}\ude00'],
    ['a lone surrogate in a key', { '\udc00': 1 }],
    ['Infinity', [Infinity]],
    ['NaN', { a: NaN }],
    ['undefined', { a: undefined }],
    ['a bigint', 1n],
  ])('throws a TypeError for %s', (_, value) => {
    expect(() => canonical(value as JsonValue)).toThrow(TypeError)
  })

  it('throws a RangeError of its own far below the end of the stack', () => {
    let deep: JsonValue = []
    for (let i = 0; i < 100_000; i++) deep = [deep]
    expect(() => canonical(deep)).toThrow('nested more than')
  })
})
