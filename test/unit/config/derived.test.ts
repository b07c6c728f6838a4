import { chmodSync, mkdtempSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fingerprint, nodeInfoOf, parseConfig, socketPath, type Config } from '../../../src/config.js'
import { durationMs, sizeBytes } from '../../../src/config/option-types.js'
import { suggest } from '../../../src/config/suggest.js'
import { checkNodeInfo } from '../../../src/core/nodeinfo.js'
import type { Pubkey } from '../../../src/core/types.js'

const KEY = '00243fda5819d2b575d6d92282bca557b9a78e5b428edd7358397da6c4f3812f' as Pubkey

const config = (more = ''): Config =>
  parseConfig(`id: herm-a\nidentity: {}\nrelays: [wss://relay.example]\n${more}`, '/etc/ksp/ksp.yaml').config

describe('the fingerprint of what we accept', () => {
  it('moves with the id, the namespaces, the mode, and every grant of a peer', () => {
    const prints = [
      '',
      'kor_namespaces: [a.b]',
      'trust: { mode: tofu }',
      `trust: { peers: [${KEY}] }`,
      `trust: { peers: [{ key: ${KEY}, id: herm-b }] }`,
      `trust: { peers: [{ key: ${KEY}, kor: [] }] }`,
      `trust: { peers: [{ key: ${KEY}, kor: [a.b] }] }`,
      `trust: { peers: [{ key: ${KEY}, actions: [a.b] }] }`,
      `trust: { peers: [{ key: ${KEY}, agents: [ezra] }] }`,
    ].map((more) => fingerprint(config(more)))

    expect(new Set([...prints, fingerprint({ ...config(), id: 'herm-b' as Config['id'] })]).size).toBe(
      prints.length + 1,
    )
  })

  it('stays where only the order changes, or what has nothing to do with it', () => {
    const other = KEY.replace('00', '11')
    const one = config(`kor_namespaces: [a.b, c.d]\ntrust: { peers: [{ key: ${KEY}, kor: [x.y, z.z] }, ${other}] }`)
    const two = config(
      `kor_namespaces: [c.d, a.b]\ntrust: { peers: [${other}, { key: ${KEY}, kor: [z.z, x.y] }] }\nlog: { level: debug }`,
    )

    expect(fingerprint(two)).toBe(fingerprint(one))
  })
})

describe('the control socket', () => {
  it('stands in the data folder where its path fits', () => {
    expect(socketPath({ dataDir: '/var/lib/ksp' }, {})).toBe('/var/lib/ksp/ksp.sock')
    expect(socketPath({ dataDir: `/${'x'.repeat(90)}` }, { XDG_RUNTIME_DIR: '/run' })).toBe(
      `/${'x'.repeat(90)}/ksp.sock`,
    )
  })

  it('moves to the runtime folder where the path is over 100 bytes, by a name of its own for each data folder', () => {
    const env = { XDG_RUNTIME_DIR: '/run/user/1' }
    const one = socketPath({ dataDir: `/${'x'.repeat(91)}` }, env)
    const two = socketPath({ dataDir: `/${'y'.repeat(91)}` }, env)

    expect(one).toMatch(/^\/run\/user\/1\/ksp-[0-9a-f]{16}\.sock$/)
    expect(two).not.toBe(one)
    // Bytes are counted, not letters.
    expect(socketPath({ dataDir: `/${'ä'.repeat(46)}` }, env)).toMatch(/^\/run\/user\/1\//)
  })

  it('falls back to a private folder, and refuses one that is open to others', () => {
    const runtime = mkdtempSync(join(tmpdir(), 'r'))
    const before = process.env['TMPDIR']
    process.env['TMPDIR'] = runtime
    try {
      const dataDir = `/${'x'.repeat(120)}`
      const path = socketPath({ dataDir }, {})

      expect(dirname(dirname(path))).toBe(runtime)
      expect(statSync(dirname(path)).mode & 0o777).toBe(0o700)
      chmodSync(dirname(path), 0o755)
      expect(() => socketPath({ dataDir }, {})).toThrow(/is not a private folder/)
    } finally {
      if (before === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = before
    }
  })
})

describe('the node-info of a configuration', () => {
  it('tells where we read, and no more roads than are driven', () => {
    const info = nodeInfoOf(
      parseConfig(
        `id: herm-a\nidentity: {}\nkor_namespaces: [a.b]\nrelays:\n  - { url: wss://r.example, roads: [nip44, dm] }\n  - { url: wss://w.example, roads: [public], write_only: true }\n`,
        '/x/ksp.yaml',
      ).config,
      KEY,
      'active',
      '1.2.3',
    )

    expect(info).toMatchObject({
      id: 'herm-a',
      endpoint: '',
      kor_namespaces: ['a.b'],
      status: 'active',
      relays: ['wss://r.example'],
      transports: ['nip44'],
      limits: { max_envelope_bytes: 524_288 },
      software: { name: 'ksp-bridge', version: '1.2.3' },
    })
    expect(checkNodeInfo({ pubkey: KEY }, info).ok).toBe(true)
  })
})

describe('durations, sizes and suggestions', () => {
  it.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5h', 5_400_000],
    ['10 m', 600_000],
    ['7d', 604_800_000],
    ['10', undefined],
    ['-1s', undefined],
    ['1e3s', undefined],
    ['10M', undefined],
    ['', undefined],
  ])('reads the duration %j as %j ms', (text, ms) => {
    expect(durationMs(text)).toBe(ms)
  })

  it.each([
    ['4MiB', 4_194_304],
    ['512KiB', 524_288],
    ['1KB', 1_000],
    ['10B', 10],
    ['10', undefined],
    ['1mib', undefined],
  ])('reads the size %j as %j bytes', (text, bytes) => {
    expect(sizeBytes(text)).toBe(bytes)
  })

  it('suggests the word for any one slip of a finger, and nothing for noise', () => {
    const words = ['keystore', 'passphrase_file', 'interval', 'relays']
    fc.assert(
      fc.property(
        fc.constantFrom(...words),
        fc.nat(),
        fc.constantFrom('drop', 'swap', 'add', 'change'),
        (word, n, slip) => {
          const i = n % (word.length - 1)
          const typed =
            slip === 'drop'
              ? word.slice(0, i) + word.slice(i + 1)
              : slip === 'swap'
                ? word.slice(0, i) + (word[i + 1] ?? '') + (word[i] ?? '') + word.slice(i + 2)
                : slip === 'add'
                  ? `${word.slice(0, i)}x${word.slice(i)}`
                  : `${word.slice(0, i)}x${word.slice(i + 1)}`
          expect(suggest(typed, words)).toBe(word)
        },
      ),
    )
    expect(suggest('qqqqqqqq', words)).toBeUndefined()
    expect(suggest('', words)).toBeUndefined()
    expect(suggest('x'.repeat(10_000), words)).toBeUndefined()
  })
})
