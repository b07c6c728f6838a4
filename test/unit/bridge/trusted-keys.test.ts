import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { openAllowlist } from '../../../relay/policy/allowlist.js'
import { silentLog } from '../../../relay/log.js'
import { trustedKeysFile } from '../../../src/bridge-trusted-keys.js'
import { testFolder } from '../../support/relay-store.js'
import { paperAuthor } from '../../support/signed.js'

const folder = testFolder()
const [me, bob, carol] = ['me', 'bob', 'carol'].map((name) => paperAuthor(name).pubkey) as [never, never, never]

describe('the file of trusted keys', () => {
  it('is one that the relay reads: us and the trusted, each once, and nobody else may read it', () => {
    const dir = folder()
    const { file, keep } = trustedKeysFile(dir, me, silentLog)

    keep([bob, me])
    const list = openAllowlist(file, silentLog)
    list.close()

    expect(file).toBe(join(dir, 'relay-trusted.txt'))
    expect([me, bob, carol].map((key) => list.has(key))).toEqual([true, true, false])
    expect(
      readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line === me),
    ).toHaveLength(1)
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('takes who is blocked out again, which the relay sees when it looks', () => {
    const { file, keep } = trustedKeysFile(folder(), me, silentLog)
    keep([bob, carol])
    const list = openAllowlist(file, silentLog)

    keep([carol])
    list.reload()
    list.close()

    expect([bob, carol].map((key) => list.has(key))).toEqual([false, true])
  })

  it('logs that it can not be written, and goes on', () => {
    const logged: string[] = []
    const log = { ...silentLog, error: (event: string) => void logged.push(event) }

    trustedKeysFile(join(folder(), 'nowhere'), me, log).keep([bob])

    expect(logged).toEqual(['private-relay.trusted-keys'])
  })
})
