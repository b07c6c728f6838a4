import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomInt } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { judge } from '../../scripts/relay-kill9/judge.js'
import { runRound } from '../../scripts/relay-kill9/round.js'
import type { Sent } from '../../scripts/relay-kill9/writer.js'
import type { NostrEvent, UnixSec } from '../../src/core/types.js'
import { paperAuthor } from '../support/signed.js'

/** The same rounds as `npm run chaos:relay`, which makes fifty of them. */
const ROUNDS = 3
const LIMIT_MS = 120_000

const seed = process.env['KILL9_SEED'] === undefined ? randomInt(1_000_000_000) : Number(process.env['KILL9_SEED'])

describe('kill -9 of the relay while several clients write', () => {
  for (let round = 0; round < ROUNDS; round++) {
    it(
      `loses nothing that had OK true and leaves nothing half, round ${round + 1}`,
      async () => {
        const dir = mkdtempSync(join(tmpdir(), 'ksp-relay-kill9-'))
        const result = await runRound({ dir, seed: seed + round })
        expect(result.problems, `KILL9_SEED=${seed + round}, its folder is ${dir}`).toEqual([])
        expect(result.kills).toHaveLength(3)
        expect(result.accepted).toBeGreaterThan(100)
        rmSync(dir, { recursive: true })
      },
      LIMIT_MS,
    )
  }
})

describe('the judge of a round', () => {
  const [alice, bob] = [paperAuthor('alice'), paperAuthor('bob')]
  const at = (second: number): { created_at: UnixSec } => ({ created_at: second as UnixSec })
  const told = (event: NostrEvent, accepted: boolean | undefined, reason = ''): Sent => ({ event, accepted, reason })
  const stored = (...events: NostrEvent[]): Set<string> => new Set(events.map(({ id }) => id))
  const note = alice.sign(at(100))
  const [old, fresh] = [100, 200].map((second) => alice.sign({ ...at(second), kind: 0 })) as [NostrEvent, NostrEvent]
  const deletion = alice.sign({ ...at(300), kind: 5, tags: [['e', note.id]] })
  const foreign = bob.sign({ ...at(300), kind: 5, tags: [['e', note.id]] })
  const vanish = alice.sign({ ...at(400), kind: 62, tags: [['relay', 'ALL_RELAYS']] })

  it.each<[string, Sent[], Set<string>, RegExp]>([
    ['an event with OK true that is not there', [told(note, true)], stored(), /^lost/],
    ['one that nobody sent', [], stored(note), /^unknown/],
    ['one that was refused', [told(note, false, 'blocked: x')], stored(note), /^kept/],
    ['one that was deleted', [told(note, true), told(deletion, true)], stored(note, deletion), /^served/],
    ['one that was replaced', [told(old, true), told(fresh, true)], stored(old, fresh), /^served/],
    ['one that vanished', [told(note, true), told(vanish, true)], stored(note, vanish), /^served/],
    ['one that a stranger’s deletion took', [told(note, true), told(foreign, true)], stored(foreign), /^lost/],
  ])('sees %s', (_, sent, ids, problem) => {
    expect(judge(sent, ids)).toEqual([expect.stringMatching(problem)])
  })

  it.each<[string, Sent[], Set<string>]>([
    ['what was deleted by an event without an answer', [told(note, true), told(deletion, undefined)], stored(deletion)],
    ['what has no answer, stored', [told(note, undefined)], stored(note)],
    ['what has no answer, not stored', [told(note, undefined)], stored()],
    ['what was replaced', [told(old, true), told(fresh, true)], stored(fresh)],
    ['a newer version known before', [told(old, true), told(fresh, true, 'duplicate: x')], stored(fresh)],
  ])('has nothing against %s', (_, sent, ids) => {
    expect(judge(sent, ids)).toEqual([])
  })
})
