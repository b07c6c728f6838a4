import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { MessageId } from '../../../src/core/types.js'
import { findings, open, tempFile } from './build.js'

const program = fileURLToPath(new URL('../../support/commit-loop.mjs', import.meta.url))

/** Runs the loop until it has printed `count` ids, kills it without warning, and gives back all it printed. */
const killAfter = (file: string, count: number): Promise<MessageId[]> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, file], { stdio: ['ignore', 'pipe', 'inherit'] })
    const printed: string[] = []
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (printed.push(line) === count) child.kill('SIGKILL')
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      // The pipe may end in the middle of a line.
      if (signal === 'SIGKILL') resolve(printed.filter((line) => line.length === 64) as MessageId[])
      else reject(new Error(`the loop ended by itself with code ${code}`))
    })
  })

describe('after kill -9', () => {
  it.each([3, 50, 700])('everything that was acknowledged is there (%i commits in)', async (count) => {
    const file = tempFile()

    const printed = await killAfter(file, count)
    const leftWal = existsSync(`${file}-wal`)
    const store = open(file)

    expect(leftWal).toBe(true)
    expect(printed.length).toBeGreaterThanOrEqual(count)
    expect(store.missing(printed)).toEqual([])
    expect(findings(store)).toEqual([])
    expect(store.counts().deliveries.queued).toBe(2 * store.counts().strands)
    expect(store.root('gossip').count).toBe(store.counts().strands)
  })

  it('a store that was killed again and again goes on where it was', async () => {
    const file = tempFile()

    const printed = [...(await killAfter(file, 20)), ...(await killAfter(file, 20)), ...(await killAfter(file, 20))]
    const store = open(file)

    expect(store.missing(printed)).toEqual([])
    expect(findings(store)).toEqual([])
  })
})
