import { expect, test } from 'vitest'
import type { Txxm } from '../../../src/core/envelope-types.js'
import { toKap } from '../../../src/core/to-kap.js'
import { nodeHashes } from '../../../src/crypto/hashes.js'

test('unknown members of a dependency have no place in the KAP form', () => {
  const dependency = { kind: 'causal-parent', hash: 'ab'.repeat(32), extra: null } as const
  const txxm: Txxm = {
    type: 'submission',
    action: 'room.post',
    target_kor: 'room.kor',
    source_kor: 'herm-a.room.kor',
    payload: {},
    sender: 'cd'.repeat(32) as never,
    nonce: '1',
    dependencies: [dependency],
  }
  const fields = toKap(txxm, nodeHashes)
  expect(fields).toMatchObject({ ok: true })
  expect(fields.ok && fields.value.dependencies).toEqual([{ kind: 'causal-parent', hash: 'ab'.repeat(32) }])
})
