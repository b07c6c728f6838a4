import { mkdtempSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ConfigError, lineOf, loadConfig, parseConfig, readConfig, type LoadOptions } from '../../../src/config.js'
import { keyOf } from '../../../src/core/nodeinfo.js'

const NPUB = 'npub1qqjrlkjcr8ft2awkmy3g909927u60rjmg28d6u6c8976d38nsyhsmrpqnx'
const HEX = '00243fda5819d2b575d6d92282bca557b9a78e5b428edd7358397da6c4f3812f'
const MINIMAL = 'id: herm-a\nidentity: { keystore: k.json }\nrelays:\n  - { url: wss://relay.example }\n'

const parse = (text: string, options: LoadOptions = {}): ReturnType<typeof parseConfig> =>
  parseConfig(text, '/etc/ksp/ksp.yaml', { cwd: '/etc/ksp', ...options })

const mistakesOf = (text: string, options: LoadOptions = {}): string[] => {
  try {
    parse(text, options)
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes.map(lineOf)
    throw error
  }
  return []
}

describe('a configuration that is right', () => {
  it('needs no more than an id, an identity and a relay', () => {
    const { config, warnings } = parse(MINIMAL)

    expect(warnings).toEqual([])
    expect(config).toEqual({
      file: '/etc/ksp/ksp.yaml',
      dir: '/etc/ksp',
      dataDir: '/etc/ksp/data',
      id: 'herm-a',
      korNamespaces: [],
      identity: { keystore: '/etc/ksp/k.json', key: 'herm-a' },
      relays: [{ url: 'wss://relay.example', roads: ['public', 'nip44'], read: true, write: true }],
      trust: { mode: 'allowlist', peers: [] },
      local: {},
      advertise: { intervalMs: 600_000, expireMs: 3_600_000 },
      limits: { maxEnvelopeBytes: 524_288, outboxMaxAgeMs: 604_800_000, peerRatePerSecond: 2_000 },
      delivery: { receiptTimeoutMs: 30_000, backoffMinMs: 1_000, backoffMaxMs: 900_000, triesPerRoad: 5 },
      allowPrivateEndpoints: false,
      crypto: { engine: 'auto' },
      log: { level: 'info' },
    })
  })

  it('is frozen to its last corner', () => {
    const { config } = parse(MINIMAL)

    expect(Object.isFrozen(config)).toBe(true)
    expect(Object.isFrozen(config.relays[0]?.roads)).toBe(true)
    expect(Object.isFrozen(config.delivery)).toBe(true)
  })

  it('reads every part that the specification shows', () => {
    const { config, warnings } = parse(`
id: herm-a
kor_namespaces: [Sys.Pluronymous.org]
identity: { keystore: keystore.json, key: main, passphrase_file: ~/pass }
relays:
  - { url: "WSS://Relay.Example:443/", roads: [public, nip44, dm], read_only: true }
  - { url: wss://mesh.example/path, roads: [private], write_only: true }
private_relay: { listen: "[::1]:7447", db: /var/relay.sqlite, public_url: wss://herm-a.example }
trust:
  mode: tofu
  peers:
    - ${NPUB}
    - { key: ${HEX.replace('00', '11')}, id: herm-b, kor: [room.kor], actions: ["room.*"], agents: [ezra] }
    - { id: herm-c }
local:
  kapnetd: { socket: kapnetd.sock, methods: { submit_txxm: submit }, fields: { txxm_id: id } }
advertise: { interval: 90s, expire: 1h }
limits: { max_envelope: 4MiB, outbox_max_age: 36h }
`)

    expect(config.korNamespaces).toEqual(['sys.pluronymous.org'])
    expect(config.identity).toEqual({
      keystore: '/etc/ksp/keystore.json',
      key: 'main',
      passphraseFile: join(homedir(), 'pass'),
    })
    expect(config.relays).toEqual([
      { url: 'wss://relay.example', roads: ['public', 'nip44', 'dm'], read: true, write: false },
      { url: 'wss://mesh.example/path', roads: ['private'], read: false, write: true },
    ])
    expect(config.privateRelay).toEqual({
      host: '::1',
      port: 7447,
      db: '/var/relay.sqlite',
      publicUrl: 'wss://herm-a.example',
      onlyTrusted: false,
      options: {},
    })
    expect(config.trust.peers).toEqual([
      { key: HEX },
      { key: HEX.replace('00', '11'), id: 'herm-b', kor: ['room.kor'], actions: ['room.*'], agents: ['ezra'] },
      { id: 'herm-c' },
    ])
    expect(config.local.kapnetd).toEqual({
      socket: '/etc/ksp/kapnetd.sock',
      methods: { submit_txxm: 'submit' },
      fields: { txxm_id: 'id' },
    })
    expect(config.advertise).toEqual({ intervalMs: 90_000, expireMs: 3_600_000, endpoint: 'wss://herm-a.example' })
    expect(config.limits.maxEnvelopeBytes).toBe(4 * 1024 * 1024)
    expect(config.limits.outboxMaxAgeMs).toBe(36 * 3_600_000)
    expect(warnings.map(lineOf)).toEqual([
      expect.stringContaining('ksp.yaml:6: relays[0].roads[2]: the road dm is not driven'),
      expect.stringContaining('ksp.yaml:7: relays[1].roads[0]: the road private is not driven'),
    ])
  })

  it('takes an npub and its hex form for the same key', () => {
    expect(keyOf(NPUB)).toBe(HEX)
    expect(mistakesOf(`${MINIMAL}trust: { peers: [${NPUB}, { key: ${HEX} }] }\n`)).toEqual([
      expect.stringContaining('trust.peers[1].key: is that of trust.peers[0] again'),
    ])
  })

  it('takes keys and ids for words also where YAML would make numbers of them', () => {
    const digits = '1'.repeat(64)
    const { config } = parse(
      `id: 0012\nidentity: {}\nrelays: [wss://a.example]\ntrust: { peers: [${digits}, { id: 1e5 }], mode: tofu }\n`,
    )

    expect(config.id).toBe('0012')
    expect(config.trust.peers).toEqual([{ key: digits }, { id: '1e5' }])
  })

  it('takes a section whose lines are all commented out for one without wishes', () => {
    const { config } = parse(`${MINIMAL}trust:\n  # mode: open\nlocal:\nlog:\n`)

    expect(config.trust.mode).toBe('allowlist')
    expect(config.local).toEqual({})
  })

  it('switches the bundled relay on where its section stands, be it empty', () => {
    const { config } = parse('id: herm-a\nidentity: {}\nprivate_relay:\n')

    expect(config.privateRelay).toEqual({
      host: '127.0.0.1',
      port: 7447,
      db: '/etc/ksp/data/relay.sqlite',
      onlyTrusted: false,
      options: {},
    })
    expect(config.relays).toEqual([])
  })

  it('finds the socket of kapnetd in the runtime folder where none is named', () => {
    const env = { XDG_RUNTIME_DIR: '/run/user/1' }

    expect(parse(`${MINIMAL}local: { kapnetd: }\n`, { env }).config.local.kapnetd?.socket).toBe(
      '/run/user/1/kapnetd/herm-a.sock',
    )
    expect(mistakesOf(`${MINIMAL}local: { kapnetd: }\n`)).toEqual([
      'ksp.yaml:5: local.kapnetd.socket: is missing, and without $XDG_RUNTIME_DIR there is no default for it',
    ])
  })

  it('warns about ws:// to another host and not about ws:// to this one', () => {
    const at = (url: string): string[] =>
      parse(`id: herm-a\nidentity: {}\nrelays:\n  - url: ${url}\n`).warnings.map(lineOf)

    expect(at('ws://127.0.0.1:7447')).toEqual([])
    expect(at('ws://localhost')).toEqual([])
    expect(at('"ws://[::1]:1"')).toEqual([])
    expect(at('ws://10.0.0.1')).toEqual([
      expect.stringContaining('ksp.yaml:4: relays[0].url: 10.0.0.1 is reached without'),
    ])
    expect(at('ws://127.0.0.1.evil.example')).toHaveLength(1)
  })
})

describe('a configuration with mistakes', () => {
  it('has them all told at once, in the order of the file, with their lines', () => {
    const mistakes = mistakesOf(`id: Herm A
identity: {}
relays:
  - { url: https://relay.example, roads: [publc] }
advertise:
  interval: 10
  expire: 1h
limts: {}
`)

    expect(mistakes).toEqual([
      expect.stringMatching(/^ksp\.yaml:1: id: "Herm A" is no Herm id/),
      expect.stringMatching(/^ksp\.yaml:4: relays\[0\]\.url: "https:\/\/relay\.example" is no relay's URL/),
      expect.stringMatching(/^ksp\.yaml:4: relays\[0\]\.roads\[0\]: .*did you mean public\?$/),
      expect.stringMatching(/^ksp\.yaml:6: advertise\.interval: "10" is no duration/),
      'ksp.yaml:8: limts: unknown key "limts"; did you mean limits?',
    ])
  })

  it.each([
    ['dataDir: x', 'unknown key "dataDir"; did you mean data_dir?'],
    ['keystore: x', 'unknown key "keystore" here; it belongs to identity.keystore'],
    ['advertise: { intervall: 1m }', 'unknown key "intervall"; did you mean interval?'],
    ['zzzzzz: 1', 'unknown key "zzzzzz"; known here: id, data_dir'],
    ['__proto__: { a: 1 }', 'unknown key "__proto__"'],
    ['constructor: 1', 'unknown key "constructor"'],
    ['toString: { a: 1 }', 'unknown key "toString"'],
  ])('suggests what was probably meant by %s', (line, message) => {
    expect(mistakesOf(`${MINIMAL}${line}\n`)).toEqual([expect.stringContaining(message)])
  })

  it.each(['local: { nats: { servers: [nats://x] } }', 'http: { listen: 127.0.0.1:1 }'])(
    'says of %s that this version does not have it',
    (line) => {
      expect(mistakesOf(`${MINIMAL}${line}\n`)).toEqual([expect.stringContaining('is not available in this version')])
    },
  )

  it('says of a bunker that this version does not have it', () => {
    expect(mistakesOf(MINIMAL.replace('keystore: k.json', 'bunker: "bunker://x"'))).toEqual([
      'ksp.yaml:2: identity.bunker: is not available in this version; use a key of the keystore (identity.keystore and identity.key)',
    ])
  })

  it('says what is missing and how it would look', () => {
    expect(mistakesOf('')).toEqual([
      expect.stringContaining('id: is missing: Herm id, unique among its peers. For example: id: herm-a'),
      expect.stringContaining('identity: is missing: identity: { keystore: keystore.json, key: herm-a'),
      expect.stringContaining('relays: there is no relay: add one'),
    ])
    expect(mistakesOf('id: a\nidentity: {}\nrelays:\n  - roads: [public]\n')).toEqual([
      expect.stringContaining('ksp.yaml:4: relays[0].url: is missing'),
    ])
  })

  it.each([
    ['limits: { max_envelope: 4 }', 'is no size'],
    ['private_relay: { max_db_size: 71TB }', 'is outside 4MiB to 64TiB'],
    ['private_relay: { metrics: 0.0.0.0:9447 }', 'is open to other machines: choose 127.0.0.1, or add metrics_public'],
    ['private_relay: { proxy: [proxy.example] }', '"proxy.example" is no IP address'],
    ['limits: { max_envelope: 4GiB }', 'is outside 1KiB to 8MiB'],
    ['delivery: { tries_per_road: 0 }', 'must be a whole number from 1 to 100'],
    ['delivery: { backoff_min: 1h, backoff_max: 1m }', 'must not be shorter than delivery.backoff_min'],
    ['advertise: { interval: 1h, expire: 1h }', 'must be longer than advertise.interval'],
    ['allow_private_endpoints: yes', '"yes" is neither true nor false'],
    ['kor_namespaces: a.b', 'must be a list: [a, b]'],
    ['kor_namespaces: [a.b, A.B]', 'stands in this list twice'],
    ['trust: [x]', 'must be a map of mode, peers'],
    ['trust: { peers: { key: x } }', 'must be a list'],
    ['trust: { peers: [{ kor: [a.b] }] }', 'names nobody'],
    ['trust: { peers: [{ id: herm-a }] }', 'is our own id'],
    ['trust: { peers: [{ id: herm-b, actions: ["*room"] }] }', 'is no action'],
    ['trust: { peers: [npub1qqqq] }', 'is neither an npub with a right checksum nor 64 hex characters'],
    ['log: { level: inf }', 'did you mean info?'],
    ['private_relay: { listen: 7447 }', 'is no HOST:PORT'],
    ['local: { kapnetd: { socket: "/x/' + 'y'.repeat(101) + '" } }', 'is longer than the 103 bytes'],
    ['local: { kapnetd: { socket: x, methods: { "a b": c } } }', 'must be a name'],
    ['private_relay: { listen: 127.0.0.1:70000 }', 'is no HOST:PORT'],
    ['id: other', 'this key stands here twice'],
    ['[unfinished', 'not YAML'],
    ['log: { level: [info] }', 'must be one value'],
    ['log: { level: }', 'is empty'],
  ])('refuses %s', (line, message) => {
    expect(mistakesOf(`${MINIMAL}${line}\n`)).toEqual([expect.stringContaining(message)])
  })

  it.each([
    ['wss://user:pass@relay.example', 'has a user or password'],
    ['wss://relay.example#x', 'has a # part'],
    ['relay.example', "is no relay's URL"],
    ['wss://', "is no relay's URL"],
  ])('refuses the relay %s', (url, message) => {
    const mistakes = mistakesOf(`id: a\nidentity: {}\nrelays: ["${url}"]\n`)

    expect(mistakes).toEqual([expect.stringContaining(message)])
    expect(mistakes.join()).not.toContain('pass@')
  })

  it('refuses a relay without a road, and one that is neither read nor written', () => {
    expect(mistakesOf('id: a\nidentity: {}\nrelays: [{ url: wss://a.example, roads: [] }]\n')).toEqual([
      'ksp.yaml:3: relays[0].roads: must have at least 1 entry, or be left out',
    ])
    expect(
      mistakesOf('id: a\nidentity: {}\nrelays: [{ url: wss://a.example, read_only: true, write_only: true }]\n'),
    ).toEqual([expect.stringContaining('relays[0]: is read_only and write_only at once')])
  })

  it('refuses a relay that stands there twice, however it is spelt', () => {
    expect(mistakesOf('id: a\nidentity: {}\nrelays:\n  - wss://a.example\n  - url: WSS://A.example:443/\n')).toEqual([
      'ksp.yaml:5: relays[1].url: is the relay of relays[0] again',
    ])
  })

  it('never repeats a secret key that stands in the wrong place', () => {
    const nsec = 'nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5'
    const mistakes = mistakesOf(
      `id: ${nsec}\nidentity: { key: "${nsec}" }\nrelays: ["x-${HEX}"]\ntrust: { peers: [${nsec}] }\n`,
    )

    expect(mistakes).toHaveLength(4)
    expect(mistakes.join()).not.toContain('vl029mg')
    expect(mistakes.join()).not.toContain(HEX)
  })

  it('survives anchors that refer to themselves and aliases that multiply', () => {
    const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]']
    for (const [i, name] of 'bcdefghi'.split('').entries())
      bomb.push(`${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[i]}`).join(',')}]`)

    expect(mistakesOf(bomb.join('\n')).length).toBeGreaterThan(0)
    expect(mistakesOf('trust: &t { peers: *t }').length).toBeGreaterThan(0)
  })
})

describe('what is stronger than the file', () => {
  it('takes the environment over the file, and a flag over both', () => {
    const env = { KSP_RELAYS: 'wss://b.example, wss://c.example', KSP_LOG_LEVEL: 'debug', KSP_DATA_DIR: 'there' }
    const flags = { '--relay': ['wss://d.example'] }

    const fromEnv = parse(MINIMAL, { env, cwd: '/home' }).config
    const fromFlag = parse(MINIMAL, { env, flags }).config

    expect(fromEnv.relays.map((r) => r.url)).toEqual(['wss://b.example', 'wss://c.example'])
    expect(fromEnv.relays[0]?.roads).toEqual(['public', 'nip44'])
    expect(fromEnv.log.level).toBe('debug')
    expect(fromEnv.dataDir).toBe('/home/there')
    expect(fromFlag.relays.map((r) => r.url)).toEqual(['wss://d.example'])
  })

  it('gives relays of the environment nothing of the entries that they replace', () => {
    const text = 'id: a\nidentity: {}\nrelays:\n  - { url: wss://a.example, roads: [public], read_only: true }\n'
    const { config } = parse(text, { env: { KSP_RELAYS: 'wss://b.example' } })

    expect(config.relays).toEqual([{ url: 'wss://b.example', roads: ['public', 'nip44'], read: true, write: true }])
  })

  it('reads a value from the file that a variable ending in _FILE names', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ksp-'))
    writeFileSync(join(folder, 'relays'), 'wss://b.example\nwss://c.example\n')
    const env = { KSP_RELAYS_FILE: join(folder, 'relays') }

    expect(parse(MINIMAL, { env }).config.relays.map((r) => r.url)).toEqual(['wss://b.example', 'wss://c.example'])
    expect(mistakesOf(MINIMAL, { env: { ...env, KSP_RELAYS: 'wss://x.example' } })).toEqual([
      'KSP_RELAYS_FILE: KSP_RELAYS and KSP_RELAYS_FILE are both set; unset one',
    ])
    expect(mistakesOf(MINIMAL, { env: { KSP_RELAYS_FILE: join(folder, 'absent') } })).toEqual([
      expect.stringMatching(/^KSP_RELAYS_FILE: .*absent can't be read/),
    ])
  })

  it('names the variable or the flag that a mistake stands in', () => {
    expect(mistakesOf(MINIMAL, { env: { KSP_LOG_LEVEL: 'loud' }, flags: { '--relay': ['http://x'] } })).toEqual([
      expect.stringMatching(/^KSP_LOG_LEVEL: log\.level: "loud" is none of/),
      expect.stringMatching(/^--relay: relays\[0\]\.url: "http:\/\/x" is no relay/),
    ])
  })

  it('takes no passphrase from the environment, and only the name of its file', () => {
    expect(mistakesOf(MINIMAL, { env: { KSP_PASSPHRASE: 'hunter2' } })).toEqual([
      expect.stringMatching(/^KSP_PASSPHRASE: a passphrase is not taken from the environment/),
    ])
    expect(mistakesOf(MINIMAL, { env: { KSP_PASSPHRASE: 'hunter2' } }).join()).not.toContain('hunter2')
    expect(parse(MINIMAL, { env: { KSP_PASSPHRASE_FILE: '/run/p' } }).config.identity.passphraseFile).toBe('/run/p')
  })

  it('warns about a variable that is nearly one of ours', () => {
    expect(parse(MINIMAL, { env: { KSP_RELAY: 'x', KSP_SOMETHING_ELSE: 'y' } }).warnings.map(lineOf)).toEqual([
      'KSP_RELAY: is no variable of ksp; did you mean KSP_RELAYS?',
    ])
  })
})

describe('looking for ksp.yaml', () => {
  const folderWith = (file: string, id: string): string => {
    const folder = mkdtempSync(join(tmpdir(), 'ksp-'))
    writeFileSync(join(folder, file), MINIMAL.replace('herm-a', id))
    return folder
  }

  it('takes what is named, then KSP_CONFIG, then the working directory', () => {
    const cwd = folderWith('ksp.yaml', 'here')
    const other = join(folderWith('other.yaml', 'other'), 'other.yaml')
    const third = join(folderWith('third.yaml', 'third'), 'third.yaml')
    const env = { KSP_CONFIG: other }

    expect(loadConfig(third, { env, cwd }).id).toBe('third')
    expect(loadConfig(undefined, { env, cwd }).id).toBe('other')
    expect(loadConfig(undefined, { env: { KSP_CONFIG: '' }, cwd }).id).toBe('here')
  })

  it('says in one line what to do where there is none', () => {
    const cwd = mkdtempSync(join(tmpdir(), 'ksp-'))

    const attempt = (): unknown => readConfig(undefined, { env: { HOME: cwd }, cwd })

    expect(attempt).toThrow(
      expect.objectContaining({ code: 'no-config', hint: expect.stringContaining('ksp init') as string }),
    )
    expect(attempt).toThrow(/^no ksp\.yaml found \(looked for [^\n]*\)$/)
  })

  it('says so where the one that is named is not there, or no text', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ksp-'))
    writeFileSync(join(folder, 'bytes.yaml'), Buffer.from([0x69, 0x64, 0xff, 0xfe]))

    expect(() => readConfig(join(folder, 'absent.yaml'), { env: {} })).toThrow(
      /there is no .*absent\.yaml, which --config names/,
    )
    expect(() => readConfig(join(folder, 'bytes.yaml'), { env: {} })).toThrow(/it is not UTF-8/)
    expect(() => readConfig(folder, { env: {} })).toThrow(/can't be read/)
  })
})
