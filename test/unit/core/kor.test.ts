import { describe, expect, it } from 'vitest'
import { korServes, longestKor, normalKor } from '../../../src/core/kor.js'

describe('a KOR name', () => {
  it.each([
    ['Room.KOR', 'room.kor'],
    ['a', 'a'],
    ['Agent_1.sys.pluronymous.org', 'agent_1.sys.pluronymous.org'],
    ['-.-', '-.-'],
    [`${'a'.repeat(63)}.b`, `${'a'.repeat(63)}.b`],
    [Array(127).fill('a').join('.'), Array(127).fill('a').join('.')],
  ])('%s is compared as %s', (name, normal) => {
    expect(normalKor(name)).toBe(normal)
  })

  it.each([
    '',
    '.',
    '.a',
    'a.',
    'a..b',
    'a.b_c',
    'a b',
    'a.*',
    'a.>',
    'ä.b',
    'a.b\n',
    'a.\u212aor',
    'a'.repeat(64),
    Array(128).fill('a').join('.'),
  ])('%j is none', (name) => {
    expect(normalKor(name)).toBeUndefined()
    expect(korServes(name, name)).toBe(false)
  })
})

describe('the longest namespace', () => {
  it('wins, and ties go to all in their order', () => {
    const entries = [
      { kor: 'kor', value: 1 },
      { kor: 'Room.kor', value: 2 },
      { kor: 'oom.kor', value: 3 },
      { kor: 'room.KOR', value: 4 },
      { kor: 'other.room.kor', value: 5 },
      { kor: 'bad..kor', value: 6 },
    ]
    expect(longestKor('member.submission.room.kor', entries)).toEqual([2, 4])
    expect(longestKor('x.other.room.kor', entries)).toEqual([5])
    expect(longestKor('KOR', entries)).toEqual([1])
    expect(longestKor('nothing.org', entries)).toEqual([])
    expect(longestKor('bad..kor', entries)).toEqual([])
  })
})
