import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { HermPart } from '../../src/cli/two-system/mesh.js'
import { sampleTxxms } from '../../src/cli/two-system/sample.js'
import { pairScope } from '../../src/core/decision.js'
import type { JsonObject } from '../../src/core/types.js'
import { daemon, daemonIds } from '../support/daemon.js'
import { eventually } from '../support/eventually.js'
import { hermsIn, startAll, tempDir } from '../support/mesh-of.js'
import { npmRelayIn } from '../support/npm-relay.js'
import { ksp, statusOf } from '../support/running-herm.js'

const IMPATIENT = 'delivery: { receipt_timeout: 2s, backoff_min: 200ms, backoff_max: 2s }'
const COUNT = 30

/** Sends `COUNT` messages by one file, on one of the two roads. */
const sendMany = async (from: HermPart, to: HermPart, name: string, ...more: string[]): Promise<void> => {
  const file = join(from.dir, `${name}.jsonl`)
  const lines = sampleTxxms(COUNT).map((t) => JSON.stringify({ ...t, payload: { ...t.payload, name } }))
  writeFileSync(file, lines.join('\n'))
  const summary = JSON.parse(await ksp(from, 'send', '--file', file, '--to', to.id, '--json', ...more)) as JsonObject
  expect(summary).toMatchObject({ queued: COUNT, known: 0, refused: 0 })
}

/** Resolves when so many deliveries of each are done, and nothing else is owed. */
const settled = (expected: readonly (readonly [HermPart, number])[]): Promise<unknown> =>
  Promise.all(
    expected.map(([herm, done]) =>
      eventually(
        `${done} deliveries of ${herm.id} are done and nothing is owed`,
        () => statusOf(herm),
        (s) =>
          s.receipts_owed === 0 &&
          Object.values(s.deliveries).reduce((x, n) => x + n, 0) === s.deliveries.done &&
          s.deliveries.done === done,
      ),
    ),
  )

const expectEqual = async (a: HermPart, b: HermPart, messages: number): Promise<void> => {
  const scope = pairScope(a.key, b.key)
  const [ofA, ofB] = (await Promise.all([a, b].map(statusOf))).map((s) => s.braid.scopes.find((x) => x.scope === scope))
  expect(ofA?.count).toBe(messages)
  expect(ofB).toEqual(ofA)
  expect(await daemonIds(b)).toEqual(await daemonIds(a))
  for (const herm of [a, b]) {
    expect(await daemon(herm, 'braid')).toMatchObject({ count: messages, root: ofA?.root })
    expect(JSON.parse(await ksp(herm, 'braid', 'verify', '--json'))).toMatchObject({ ok: true, messages })
  }
}

describe('a relay that is none of ours, in its place', () => {
  it('carries both roads in both directions: every receipt says done, and both roots are equal', async () => {
    const dir = tempDir()
    const relay = await npmRelayIn(dir)
    const members = ['herm-qubes-alpha', 'herm-qubes-beta'].map((id) => ({ id, yaml: IMPATIENT }))
    const [a, b] = (await hermsIn(dir, [relay.url], members)) as [HermPart, HermPart]
    await startAll([a, b])

    await Promise.all([sendMany(a, b, 'sealed'), sendMany(b, a, 'sealed')])
    await Promise.all([sendMany(a, b, 'clear', '--public'), sendMany(b, a, 'clear', '--public')])

    // Each holds four times COUNT for its daemon, and half of them were its own to send.
    await settled([
      [a, 6 * COUNT],
      [b, 6 * COUNT],
    ])
    await expectEqual(a, b, 4 * COUNT)
    for (const herm of [a, b]) {
      const { peers, refusals } = await statusOf(herm)
      expect(peers.map((p) => [p.status, p.fresh])).toEqual([['active', true]])
      // It sends what is published to every subscription, whatever tags that asks for: refused as not for us, and no more.
      const others = Object.entries(refusals).filter(([code, n]) => n > 0 && code !== 'not-addressed')
      expect(others).toEqual([])
    }
  })

  it('brings what was sent while the peer was away, and while it was itself away', async () => {
    const dir = tempDir()
    const relay = await npmRelayIn(dir)
    const members = ['herm-qubes-alpha', 'herm-qubes-beta'].map((id) => ({ id, yaml: IMPATIENT }))
    const [a, b] = (await hermsIn(dir, [relay.url], members)) as [HermPart, HermPart]
    await startAll([a])
    await sendMany(a, b, 'early')
    await eventually(
      'the relay has taken them',
      () => statusOf(a),
      (s) => s.deliveries['relay-ok'] === COUNT,
    )
    await startAll([b])
    await settled([
      [a, 2 * COUNT],
      [b, COUNT],
    ])
    await relay.stop('SIGKILL')
    await sendMany(b, a, 'late')
    await relay.start()

    await settled([
      [a, 3 * COUNT],
      [b, 3 * COUNT],
    ])
    await expectEqual(a, b, 2 * COUNT)
  })
})
