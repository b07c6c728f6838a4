import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startChild } from '../../../src/ops/child.js'
import { takeLock } from '../../../src/ops/lock.js'

const file = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'ksp-lock-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'lock')
}
const holder = fileURLToPath(new URL('../../support/hold-lock.mjs', import.meta.url))

describe('the lock of a data folder', () => {
  it('is held by one at a time', () => {
    const path = file()
    const lock = takeLock(path)
    expect(lock).toBeDefined()
    expect(takeLock(path)).toBeUndefined()
    lock?.release()
    const again = takeLock(path)
    expect(again).toBeDefined()
    again?.release()
  })

  it('is let go of when its holder is killed', async () => {
    const path = file()
    const other = startChild(holder, [path])
    await other.line(/^held$/)
    expect(takeLock(path)).toBeUndefined()

    await other.stop('SIGKILL')

    const mine = takeLock(path)
    expect(mine).toBeDefined()
    mine?.release()
  })

  it('says so where the file can’t be opened', () => {
    expect(() => takeLock(join(file(), 'no', 'folder'))).toThrow()
  })
})
