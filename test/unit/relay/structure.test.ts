import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DEFAULT_LIMITS } from '../../../relay/limits.js'
import { parseFrame } from '../../../relay/session/frames.js'
import {
  MAX_FRAME_DEPTH,
  MAX_JSON_PARTS,
  MAX_UNSEEN_CHARS,
  tooMuchStructure,
} from '../../../relay/session/structure.js'

const answerTo = (text: string): unknown => {
  const parsed = parseFrame(text, Buffer.byteLength(text), DEFAULT_LIMITS)
  return parsed.ok ? parsed.frame.verb : JSON.parse(parsed.answer)
}
const LEVELS = 100_000
const deep = '['.repeat(LEVELS) + ']'.repeat(LEVELS)
const id = 'e'.repeat(64)

describe('a long message', () => {
  it('is refused unread when lists or objects stand too deep in it, wherever they stand', () => {
    const words = `invalid: at most ${MAX_FRAME_DEPTH} levels of lists and objects`

    expect(answerTo(deep)).toEqual(['NOTICE', words])
    expect(answerTo('{"a":'.repeat(LEVELS) + '1' + '}'.repeat(LEVELS))).toEqual(['NOTICE', words])
    expect(answerTo(`["EVENT",{"id":"${id}","tags":${deep}}]`)).toEqual(['OK', id, false, words])
    expect(answerTo(`["REQ","sub",{"kinds":${deep}}]`)).toEqual(['CLOSED', 'sub', words])
    expect(answerTo(`["COUNT","c",${deep}]`)).toEqual(['CLOSED', 'c', words])
    expect(answerTo(`["NEG-OPEN","n",{"ids":${deep}},"61"]`)).toEqual(['NEG-ERR', 'n', words])
    expect(answerTo('['.repeat(LEVELS))).toEqual(['NOTICE', words])
  })

  it('is refused unread when it has too many parts', () => {
    const words = `invalid: at most ${MAX_JSON_PARTS} values, lists and objects in a message`

    expect(answerTo(`["REQ","sub",[${'0,'.repeat(MAX_JSON_PARTS)}0]]`)).toEqual(['CLOSED', 'sub', words])
    expect(answerTo(`[${'{},'.repeat(MAX_JSON_PARTS)}0]`)).toEqual(['NOTICE', words])
  })

  it('is read whatever its strings hold, and however they are escaped', () => {
    const anyString = fc.string({ unit: fc.constantFrom('[', '{', ',', '"', '\\', ']', '}', 'x', '\n') })
    fc.assert(
      fc.property(fc.array(anyString, { maxLength: 50 }), (strings) => {
        const text = JSON.stringify(['X', ...strings, ' '.repeat(MAX_UNSEEN_CHARS), '['.repeat(1_000)])
        expect(tooMuchStructure(text)).toBeUndefined()
      }),
    )
  })

  it('may be as large as the limits of an event allow', () => {
    const tags = Array.from({ length: DEFAULT_LIMITS.maxEventTags }, (_, i) => ['p', id, 'wss://relay.example', `${i}`])
    const event = { id, pubkey: id, created_at: 1, kind: 3, tags, content: '[{'.repeat(50_000), sig: 'f'.repeat(128) }

    expect(answerTo(JSON.stringify(['EVENT', event]))).toBe('EVENT')
  })
})

it('a short message may be as deep as it fits: it is refused for what it is', () => {
  const levels = MAX_UNSEEN_CHARS / 2 - 20
  expect(answerTo(`["REQ","sub",${'['.repeat(levels)}${']'.repeat(levels)}]`)).toEqual([
    'CLOSED',
    'sub',
    'invalid: filter is not an object',
  ])
})

it('a REQ that is too long gets CLOSED, and its id is not looked for where it can be anybody’s', () => {
  const long = 'x'.repeat(DEFAULT_LIMITS.maxMessageBytes)

  expect(answerTo(`["REQ","sub",{"#t":["${long}"]}]`)).toMatchObject([
    'CLOSED',
    'sub',
    expect.stringMatching(/^invalid: the message has/),
  ])
  expect(answerTo(`["REQ","${'s'.repeat(65)}","${long}"]`)).toMatchObject([
    'NOTICE',
    expect.stringMatching(/^invalid: the message has/),
  ])
})
