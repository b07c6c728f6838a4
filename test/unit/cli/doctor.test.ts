import { expect, it } from 'vitest'
import { checkEngine, checkNode, checkSqlite } from '../../../src/cli/doctor/machine.js'
import { judgeDisk } from '../../../src/cli/doctor/places.js'
import { checkClock } from '../../../src/cli/doctor/reach.js'

/** What ksp doctor makes of what it finds, where a machine of a test would be too right to show it. */

const NOW = Date.UTC(2026, 6, 1)
const MIB = 1024 ** 2

it.each([
  ['20.18.9', 'fail'],
  ['18.20.0', 'fail'],
  ['20.19.0', 'ok'],
  ['22.0.0', 'ok'],
  ['26.1.2', 'ok'],
] as const)('Node %s: %s', (version, state) => {
  expect(checkNode(version).state).toBe(state)
})

it.each([
  [99 * MIB, 'fail'],
  [100 * MIB, 'warn'],
  [1_024 * MIB, 'ok'],
] as const)('%d bytes free: %s', (bytes, state) => {
  expect(judgeDisk(bytes, '/data').state).toBe(state)
})

it.each([
  [[], 'ok', /no relay told its own/],
  [[0], 'ok', /as relays have it/],
  [[-20_000], 'ok', /20 s ahead of relays/],
  [[31_000], 'warn', /31 s behind relays/],
  [[-301_000, 400_000], 'fail', /301 s ahead of relays/],
  // One relay that is wrong says nothing of us.
  [[900_000, 0], 'ok', /as relays have it/],
] as const)('a clock that relays see off by %j ms: %s', (skews, state, words) => {
  const finding = checkClock(skews, NOW)

  expect(finding.state).toBe(state)
  expect(finding.found).toMatch(words)
})

it('a clock of the last century is wrong whatever relays say', () => {
  expect(checkClock([0], 0).state).toBe('fail')
})

it('an engine that was asked for is no reason to complain; SQLite loads', async () => {
  const js = await checkEngine('js')

  expect(js).toMatchObject({ state: 'ok', found: 'signatures by js: js was asked for' })
  expect((await checkSqlite()).found).toMatch(/^SQLite 3\.\d+/)
})
