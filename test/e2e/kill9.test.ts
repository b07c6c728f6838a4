import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomInt } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { planKills } from '../../scripts/kill9/plan.js'
import { chanceOf } from '../../scripts/kill9/chance.js'
import { runRound } from '../../scripts/kill9/round.js'

/** The same rounds as `npm run chaos:kill9`, which makes twenty of them. */
const ROUNDS = 3
const MESSAGES = 500
const LIMIT_MS = 240_000

const seed = process.env['KILL9_SEED'] === undefined ? randomInt(1_000_000_000) : Number(process.env['KILL9_SEED'])

describe('kill -9 of bridges, kapnetds and the relay in the middle of 500 messages', () => {
  for (let round = 0; round < ROUNDS; round++) {
    it(
      `loses, doubles and blocks nothing, round ${round + 1}`,
      async () => {
        const dir = mkdtempSync(join(tmpdir(), 'ksp-kill9-'))
        const result = await runRound({ dir, seed: seed + round, messages: MESSAGES })
        expect(result.problems, `KILL9_SEED=${seed + round}, its folder is ${dir}`).toEqual([])
        expect(result.kills.length).toBeGreaterThanOrEqual(5)
        rmSync(dir, { recursive: true })
      },
      LIMIT_MS,
    )
  }

  it('kills every part at least once, at points that a seed gives again', () => {
    const parts = ['bridge a', 'bridge b', 'kapnetd a', 'kapnetd b', 'relay']
    const plan = planKills(parts, 2_500, chanceOf(7))
    expect(new Set(plan.map((k) => k.victim))).toEqual(new Set(parts))
    expect(plan).toEqual(planKills(parts, 2_500, chanceOf(7)))
    expect(plan).not.toEqual(planKills(parts, 2_500, chanceOf(8)))
    expect(plan.every((k) => k.at >= 1 && k.at <= 2_375)).toBe(true)
  })
})
