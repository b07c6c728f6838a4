import { describe, expect, it } from 'vitest'
import { isAction, isAgentId, isHermId, isHex32, isHex64, isMessageType, isTaskId } from '../../../src/core/names.js'

const cases: [string, (s: string) => boolean, string[], string[]][] = [
  [
    'Herm id',
    isHermId,
    ['a', '0', 'herm-qubes-alpha', 'a-', 'a'.repeat(63)],
    ['', '-a', 'any', 'local', 'A', 'a_b', 'a.b', 'a'.repeat(64), 'a\n', 'ä'],
  ],
  [
    'agent id',
    isAgentId,
    ['a', '0', 'mkctp_alpha-1', 'local', 'a'.repeat(64)],
    ['', '_a', '-a', 'any', 'dispatch', 'A', 'a.b', '*', '>', 'a'.repeat(65), 'a\n'],
  ],
  [
    'message type',
    isMessageType,
    ['submission', 'a', 'a-1', 'a'.repeat(32)],
    ['', '1a', '-a', 'A', 'a_b', 'a.b', 'a'.repeat(33), 'a\n'],
  ],
  [
    'action',
    isAction,
    ['room.post', 'a', '0:b_c-d.e', 'a'.repeat(128)],
    ['', '.a', ':a', 'A', 'room.*', 'a b', 'a>', 'a'.repeat(129), 'a\n'],
  ],
  ['task id', isTaskId, ['a', 'A_-9', '-', 'x'.repeat(128)], ['', 'a.b', 'a b', 'a*', 'x'.repeat(129), 'a\n', 'ä']],
  ['32 bytes of hex', isHex32, ['0'.repeat(64), 'f'.repeat(64)], ['', 'F'.repeat(64), '0'.repeat(63), '0'.repeat(65)]],
  ['64 bytes of hex', isHex64, ['0'.repeat(128)], ['', 'F'.repeat(128), '0'.repeat(64), `${'0'.repeat(127)}g`]],
]

describe.each(cases)('a %s', (_, is, good, bad) => {
  it.each(good)('may be %j', (name) => {
    expect(is(name)).toBe(true)
  })
  it.each(bad)('may not be %j', (name) => {
    expect(is(name)).toBe(false)
  })
})
