import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { builtProgram, kspProgram, startChild, type Child, type ChildOptions } from '../../../src/ops/child.js'

const start = (program: string, options?: ChildOptions, args: string[] = []): Child => {
  const folder = mkdtempSync(join(tmpdir(), 'ksp-child-'))
  const file = join(folder, 'program.mjs')
  writeFileSync(file, program)
  const child = startChild(file, args, options)
  onTestFinished(async () => {
    await child.stop('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  return child
}

describe('a child process', () => {
  it('is what is built, wherever we run from', () => {
    expect(kspProgram).toMatch(/\/dist\/src\/cli\/main\.js$/)
    expect(builtProgram('relay/main.js')).toMatch(/\/dist\/relay\/main\.js$/)
  })

  it('has its lines found, those that were and those that come', async () => {
    const child = start(
      `console.log('one'); console.error('oops'); process.stdin.on('data', () => console.log('two ' + process.argv[2] + process.env.X))`,
      { tied: true, env: { X: '!' } },
      ['arg'],
    )
    expect(await child.line(/^o/)).toBe('one')
    expect(await child.line(/^one$/)).toBe('one')
    const two = child.line(/^two/)
    child.process.stdin?.write('go\n')
    expect(await two).toBe('two arg!')
    expect(child.out).toEqual(['one', 'two arg!'])
  })

  it('that ends before it says what is waited for says why', async () => {
    const child = start(`console.error('no such file'); process.exitCode = 3`)
    await expect(child.line(/^ready/)).rejects.toThrow(/ended \(3\) before it said \/\^ready\/: no such file/)
    expect(await child.ended).toEqual({ code: 3, signal: null })
    await expect(child.line(/^ready/)).rejects.toThrow('has ended')
  })

  it('ends by the signal that it is stopped with, once', async () => {
    const child = start(`console.log('up'); setInterval(() => 0, 60_000)`)
    await child.line(/^up$/)
    expect(await child.stop('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' })
    expect(await child.stop()).toEqual({ code: null, signal: 'SIGKILL' })
  })

  it('keeps so many of its lines and no more', async () => {
    const child = start(`for (let i = 0; i < 3000; i++) console.log(i)`)
    await child.ended
    expect(child.out).toHaveLength(2_000)
    expect(child.out.at(-1)).toBe('2999')
  })
})
