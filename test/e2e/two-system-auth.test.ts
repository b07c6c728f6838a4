import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { HermPart } from '../../src/cli/two-system/mesh.js'
import { startKsp } from '../../src/ops/child.js'
import { eventually } from '../support/eventually.js'
import { hermsIn, relayIn, startAll, tempDir } from '../support/mesh-of.js'

describe('ksp test two-system at a relay that only some keys may read', () => {
  it('authenticates with the key of its Herm, and says so where that key may not read', async () => {
    const dir = tempDir()
    const readers = join(dir, 'readers.txt')
    writeFileSync(readers, '1'.repeat(64))
    const relay = await relayIn(dir, 'relay', ['--allow-read', readers])
    const members = ['herm-qubes-alpha', 'herm-qubes-beta'].map((id) => ({ id }))
    const [a, b] = (await hermsIn(dir, [relay.url], members)) as [HermPart, HermPart]
    const allow = async (...herms: HermPart[]): Promise<void> => {
      const keys = ['1'.repeat(64), ...herms.map(({ key }) => key)]
      writeFileSync(readers, keys.join('\n'))
      relay.child!.process.kill('SIGHUP')
      await eventually(
        'the list is read',
        () => relay.child!.err.at(-1) ?? '',
        (log) => log.includes(`"keys":${keys.length}`),
      )
    }
    const proof = (herm: HermPart, role: 'a' | 'b') =>
      startKsp(['test', 'two-system', '--role', role, '--config', herm.config, '--timeout', '50s', '--json'])
    await allow(a, b)
    await startAll([a, b])

    const receiver = proof(b, 'b')
    // Role b looks at what comes from then on.
    await receiver.line(/"step":3,/)
    const sender = proof(a, 'a')
    const [ofA, ofB] = await Promise.all([sender.ended, receiver.ended])

    expect([ofA.code, ofB.code], [...sender.err, ...receiver.err].join('\n')).toEqual([0, 0])
    expect(JSON.parse(sender.out.at(-1)!)).toMatchObject({ ok: true, role: 'a' })
    await allow(b)
    const refused = proof(a, 'a')
    expect((await refused.ended).code).toBe(1)
    expect([...refused.out, ...refused.err].join()).toContain('refused: restricted')
  })
})
