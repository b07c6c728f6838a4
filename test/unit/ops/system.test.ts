import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { giveMemoryBack } from '../../../src/ops/give-back.js'
import { builtProgram, startChild } from '../../../src/ops/child.js'
import { systemClock, systemRandom } from '../../../src/ops/system.js'

describe('the system’s clock', () => {
  it('shows the machine’s time, moved by so much', () => {
    const before = Date.now()
    const [plain, moved] = [systemClock().now(), systemClock(1_000_000).now()]
    const after = Date.now()
    expect(plain).toBeGreaterThanOrEqual(before)
    expect(moved - 1_000_000).toBeLessThanOrEqual(after)
  })

  it('wakes a sleeper when its signal aborts, and takes its ear off the signal when it wakes by itself', async () => {
    const clock = systemClock()
    const life = new AbortController()
    let listening = 0
    const { signal } = life
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listening++
      add(...args)
    }
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listening--
      remove(...args)
    }
    await clock.sleep(1, signal)
    expect(listening).toBe(0)

    const long = clock.sleep(1e9, signal)
    life.abort()
    await long
    await clock.sleep(1e9, signal)
    expect(listening).toBe(0)
  })
})

describe('the system’s randomness', () => {
  it('gives as many bytes as asked for, never the same, and a fraction below one', () => {
    expect(systemRandom.bytes(0)).toHaveLength(0)
    expect(Buffer.from(systemRandom.bytes(32))).not.toEqual(Buffer.from(systemRandom.bytes(32)))
    for (let i = 0; i < 100; i++) {
      const x = systemRandom.fraction()
      expect(x >= 0 && x < 1).toBe(true)
    }
  })
})

describe('giving memory back', () => {
  it('does no harm, as often as it is done', () => {
    giveMemoryBack()
    giveMemoryBack()
    expect(process.memoryUsage.rss()).toBeGreaterThan(0)
  })
})

describe('the log of a process', () => {
  const logged = async (level: string, lines: string): Promise<Record<string, unknown>[]> => {
    const folder = mkdtempSync(join(tmpdir(), 'ksp-log-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const file = join(folder, 'program.mjs')
    writeFileSync(
      file,
      `import { openLog } from ${JSON.stringify(builtProgram('src/ops/log.js'))}
const log = openLog(${JSON.stringify(level)}, 'ksp')
${lines}`,
    )
    const child = startChild(file, [])
    await child.ended
    expect(child.out).toEqual([])
    return child.err.map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  it('is JSON lines on stderr: an event and its fields', async () => {
    const lines = await logged('info', `log.info('relay.open', { relay: 'wss://x' }); log.error('store.full')`)
    expect(lines).toMatchObject([
      { level: 30, name: 'ksp', msg: 'relay.open', relay: 'wss://x' },
      { level: 50, msg: 'store.full' },
    ])
    expect(lines[0]?.['time']).toMatch(/^\d{4}-\d\d-\d\dT/)
  })

  it('has said what it was told before a crash', async () => {
    const lines = await logged('info', `log.error('last words'); process.kill(process.pid, 'SIGKILL')`)
    expect(lines.map((l) => l['msg'])).toEqual(['last words'])
  })

  it('keeps to its level', async () => {
    expect(await logged('warn', `log.info('a'); log.debug('b'); log.warn('c')`)).toMatchObject([{ msg: 'c' }])
    expect(await logged('silent', `log.error('a')`)).toEqual([])
  })
})
