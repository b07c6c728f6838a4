import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startKsp } from '../../src/ops/child.js'
import { nativeMissing } from '../support/secp256k1.js'

/** What an operator sees of the engine for signatures: whether it is the fast one, and if not, why. */
const folder = mkdtempSync(join(tmpdir(), 'ksp-engine-'))
const herm = join(folder, 'herm')
const config = join(herm, 'ksp.yaml')
const NOT_THERE = { KSP_LIBSECP256K1: '/nowhere/libsecp256k1.so.1' }
const WHY = "the native engine can't be used: /nowhere/libsecp256k1.so.1 does not exist"

beforeAll(async () => {
  const init = startKsp(['init', herm, '--id', 'herm-a', '--relay', 'ws://127.0.0.1:9', '--yes'])
  expect((await init.ended).code).toBe(0)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const shownBy = async (env: Record<string, string>): Promise<{ log: unknown; json: unknown; text: string }> => {
  const bridge = startKsp(['run', '--config', config], { env })
  await bridge.line(/^ready$/)
  const json = startKsp(['status', '--json', '--config', config])
  const text = startKsp(['status', '--config', config])
  await Promise.all([json.ended, text.ended])
  const { code } = await bridge.stop()
  expect(code).toBe(0)
  const line = bridge.err.find((l) => l.includes('"crypto.engine"'))
  return {
    log: JSON.parse(line ?? 'null') as unknown,
    json: JSON.parse(json.out.join('')) as unknown,
    text: text.out.join('\n'),
  }
}

describe('the engine for signatures', () => {
  it.skipIf(nativeMissing() !== undefined)('is the system’s library, and its file is told', async () => {
    const library = process.env['KSP_LIBSECP256K1'] ?? ''

    const { log, json, text } = await shownBy({})

    expect(log).toMatchObject({ engine: 'native', library })
    expect(json).toMatchObject({ engine: 'native', engine_library: library })
    expect(text).toContain(`signatures by native (${library})`)
  })

  it('is WebAssembly where the library is not there, and why is told', async () => {
    const { log, json, text } = await shownBy(NOT_THERE)

    expect(log).toMatchObject({ engine: 'wasm', reason: WHY })
    expect(json).toMatchObject({ engine: 'wasm', engine_reason: WHY })
    expect(text).toContain(`no faster engine: ${WHY}`)
  })

  it('is the one that was asked for, or the bridge does not start and says in one line what to do', async () => {
    const bridge = startKsp(['run', '--config', config], { env: { ...NOT_THERE, KSP_CRYPTO_ENGINE: 'native' } })

    expect((await bridge.ended).code).toBe(2)
    expect(bridge.err).toEqual([`ksp: ${WHY}; crypto.engine: auto takes what works here`])
  })

  it('can be chosen for the relay too', async () => {
    const args = ['relay', '--listen', '127.0.0.1:0', '--db', join(folder, 'relay.sqlite'), '--engine']
    const relay = startKsp([...args, 'js'])
    await relay.line(/^ready /)
    await relay.stop()
    const wrong = startKsp([...args, 'abacus'])

    expect(relay.err.find((line) => line.includes('relay-started'))).toContain('"engine":"js"')
    expect((await wrong.ended).code).toBe(2)
    expect(wrong.err.join('\n')).toContain('--engine is one of auto, native, wasm, js')
  })
})
