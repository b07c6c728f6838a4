import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

/** By its name and through `exports`, as whoever installs the package imports it: built code in a process of its own. */
const evaluate = (code: string): string =>
  execFileSync(process.execPath, ['--input-type=module', '--eval', code], {
    encoding: 'utf8',
    cwd: process.cwd(),
  }).trim()

test('the package is a library: an envelope is written and read back by what it exports', () => {
  const printed = evaluate(`
    import { readFileSync } from 'node:fs'
    import { readContent, nodeHashes, rootOfLanes, emptyLanes } from 'ksp-bridge'
    const { txxm } = JSON.parse(readFileSync('kinds/vectors/reference.json', 'utf8'))
    const content = readContent(txxm.event.content, nodeHashes)
    console.log(content.ok && content.value.sha256 === txxm.id, rootOfLanes(emptyLanes(), nodeHashes).slice(0, 8))
  `)
  expect(printed).toBe('true e5a00aa9')
})

test('the relay is a library of its own: it listens and closes', () => {
  const printed = evaluate(`
    import { mkdtempSync, rmSync } from 'node:fs'
    import { tmpdir } from 'node:os'
    import { startRelay } from 'ksp-bridge/relay'
    const dir = mkdtempSync(tmpdir() + '/ksp-library-')
    const relay = await startRelay({ host: '127.0.0.1', port: 0, db: dir + '/relay.sqlite' })
    console.log(relay.url.startsWith('ws://127.0.0.1:'))
    await relay.close()
    rmSync(dir, { recursive: true })
  `)
  expect(printed).toBe('true')
})

test('the kinds are data that another implementation can import', () => {
  const printed = evaluate(`
    import { createRequire } from 'node:module'
    const registry = createRequire(import.meta.url)('ksp-bridge/kinds/registry.json')
    console.log(JSON.stringify(registry).includes('30078'))
  `)
  expect(printed).toBe('true')
})
