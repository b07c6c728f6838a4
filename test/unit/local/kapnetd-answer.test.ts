import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readAnswer } from '../../../src/local/kapnetd-answer.js'

describe('a line from kapnetd', () => {
  it('is an answer with a result, whatever the result is', () => {
    for (const result of [{}, [], 0, '', false, null]) {
      const line = JSON.stringify({ jsonrpc: '2.0', id: 3, result })
      expect(readAnswer(line)).toEqual({ id: 3, answer: { result } })
    }
  })

  it('is an answer with an error, whose message is cut', () => {
    const line = JSON.stringify({ jsonrpc: '2.0', id: 3, error: { code: -1, message: 'x'.repeat(1_000), data: {} } })
    expect(readAnswer(line)).toEqual({ id: 3, answer: { error: { code: -1, message: 'x'.repeat(200) } } })
  })

  it('is a notification', () => {
    expect(readAnswer('{"jsonrpc":"2.0","method":"txxm","params":{"a":1}}')).toEqual({
      method: 'txxm',
      params: { a: 1 },
    })
    expect(readAnswer('{"jsonrpc":"2.0","method":"txxm"}')).toEqual({ method: 'txxm', params: {} })
  })

  it('may hold a TXXM that is too deep: that one is refused by itself', () => {
    const deep = '['.repeat(100) + ']'.repeat(100)
    expect(readAnswer(`{"jsonrpc":"2.0","id":1,"result":${deep}}`)).toHaveProperty('answer')
  })

  it.each([
    [''],
    ['x'],
    ['[]'],
    ['null'],
    ['{}'],
    ['{"jsonrpc":"2.0"}'],
    ['{"jsonrpc":"2.0","id":1}'],
    ['{"jsonrpc":"2.0","id":"1","result":1}'],
    ['{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"x"}}'],
    ['{"jsonrpc":"1.0","id":1,"result":1}'],
    ['{"jsonrpc":"2.0","id":1,"result":1,"error":{"code":1,"message":"x"}}'],
    ['{"jsonrpc":"2.0","id":1,"error":"x"}'],
    ['{"jsonrpc":"2.0","id":1,"error":{"code":"1","message":"x"}}'],
    ['{"jsonrpc":"2.0","id":1,"error":{"code":1}}'],
    ['{"jsonrpc":"2.0","id":1,"method":"hello","params":{}}'],
    ['{"jsonrpc":"2.0","method":1}'],
    ['{"jsonrpc":"2.0","method":"txxm","params":[]}'],
    ['{"jsonrpc":"2.0","id":1,"result":1,"id":1}'],
    ['{"jsonrpc":"2.0","id":1,"result":"\\ud800"}'],
  ])('is garbage: %s', (line) => {
    expect(readAnswer(line)).toHaveProperty('garbage')
  })

  it('is read without ever throwing', () => {
    const mutated = fc.tuple(fc.nat({ max: 60 }), fc.string({ maxLength: 2 })).map(([at, text]) => {
      const line = '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}}'
      return line.slice(0, at) + text + line.slice(at + 1)
    })
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json(), mutated), (line) => {
        expect(typeof readAnswer(line)).toBe('object')
      }),
      { numRuns: 1_000 },
    )
  })
})
