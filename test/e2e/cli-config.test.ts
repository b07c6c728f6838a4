import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { verifyEvent, type Event } from 'nostr-tools/pure'
import * as nip19 from 'nostr-tools/nip19'
import * as nip49 from 'nostr-tools/nip49'
import { builtProgram, startChild, startKsp, type Child } from '../../src/ops/child.js'

/** Real processes of the built command: what a person or a script gets to see. */

interface Ended {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** All that any process here has printed; searched for secrets at the end. */
const printed: string[] = []
const secrets: string[] = []

const home = mkdtempSync(join(tmpdir(), 'ksp-home-'))
/** Nothing of the machine's own configuration reaches a test. */
const clean = { HOME: home, KSP_CONFIG: '', KSP_RELAYS: '', XDG_RUNTIME_DIR: '', CREDENTIALS_DIRECTORY: '' }

const ksp = async (args: string[], options: { cwd?: string; env?: Record<string, string> } = {}): Promise<Ended> => {
  const running = startKsp(args, { cwd: options.cwd ?? home, env: { ...clean, ...options.env } })
  const { code } = await running.ended
  const [out, err] = [running.out.join('\n'), running.err.join('\n')]
  printed.push(out, err)
  return { code, out, err }
}

const newFolder = (): string => mkdtempSync(join(tmpdir(), 'ksp-'))

/** A Herm as `ksp init` makes it; its secrets must never be seen again. */
const initHerm = async (relay = 'wss://relay.example'): Promise<{ dir: string; config: string; npub: string }> => {
  const dir = join(newFolder(), 'herm')
  const { out, code } = await ksp(['init', dir, '--id', 'herm-a', '--relay', relay, '--yes', '--json'])
  expect(code).toBe(0)
  const passphrase = readFileSync(join(dir, 'passphrase'), 'utf8').trim()
  const { keys } = JSON.parse(readFileSync(join(dir, 'keystore.json'), 'utf8')) as { keys: { ncryptsec: string }[] }
  const secret = nip49.decrypt(keys[0]!.ncryptsec, passphrase)
  secrets.push(passphrase, Buffer.from(secret).toString('hex'), nip19.nsecEncode(secret))
  return { dir, config: join(dir, 'ksp.yaml'), npub: (JSON.parse(out) as { npub: string }).npub }
}

const errorOf = (ended: Ended): { code: string; message: string; hint: string; mistakes?: unknown[] } => {
  expect(ended.out.split('\n')).toHaveLength(1)
  expect(ended.err).toBe('')
  return (JSON.parse(ended.out) as { error: { code: string; message: string; hint: string } }).error
}

afterAll(() => {
  // The invariant of all of the above: no secret was ever printed, in whatever form and wherever it went wrong.
  expect(secrets.length).toBeGreaterThan(3)
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(20)
    expect(printed.filter((text) => text.includes(secret))).toEqual([])
  }
})

describe('the command', () => {
  it('tells its version', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }

    expect(await ksp(['--version'])).toEqual({ code: 0, out: version, err: '' })
  })

  it('lists its verbs with --help', async () => {
    const { code, out, err } = await ksp(['--help'])

    expect(code).toBe(0)
    expect(err).toBe('')
    for (const verb of ['init', 'config', 'identity', 'relay', 'kapnetd'])
      expect(out).toMatch(new RegExp(`^  ${verb} `, 'm'))
  })

  it.each([
    [['init', '--help']],
    [['config', '--help']],
    [['config', 'check', '--help']],
    [['config', 'show', '--help']],
    [['identity', '--help']],
    [['identity', 'new', '--help']],
    [['identity', 'list', '--help']],
    [['identity', 'import', '--help']],
    [['identity', 'export', '--help']],
    [['identity', 'publish', '--help']],
  ])('has help with one example for %j', async (args) => {
    const { code, out, err } = await ksp(args)

    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out.match(/^Example:\n {2}\$ ksp /gm)).toHaveLength(1)
  })

  it.each([
    [[], 'ksp: a verb is missing; see: ksp --help'],
    [['confg'], 'ksp: unknown verb "confg"; did you mean ksp config?; see: ksp --help'],
    [['--verison'], 'ksp: unknown option "--verison"; see: ksp --help'],
    [['constructor'], 'ksp: unknown verb "constructor"; see: ksp --help'],
    [['config'], 'ksp: ksp config needs one of: check, show, reload; see: ksp config --help'],
    [['config', 'chekc'], "ksp: unknown command 'chekc' (Did you mean check?); see: ksp config --help"],
    [
      ['config', 'check', '--confg', 'x'],
      "ksp: unknown option '--confg' (Did you mean --config?); see: ksp config --help",
    ],
    [['config', 'check', '--config'], "ksp: option '--config <file>' argument missing; see: ksp config --help"],
    [['identity', 'new'], "ksp: missing required argument 'name'; see: ksp identity --help"],
    [
      ['identity', 'new', 'a', '--role', 'king'],
      /^ksp: option '--role <role>' argument 'king' is invalid\..*; see: ksp identity --help$/,
    ],
    [['identity', 'new', 'No Name'], /^ksp: "No Name" is no name of a key; use 1-64 of/],
    [['init', '.'], /^ksp: there is no terminal to ask on; give --id and --yes/],
  ])('answers wrong usage %j with one line and exit code 2', async (args, line) => {
    const { code, out, err } = await ksp(args)

    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err.split('\n')).toHaveLength(1)
    expect(err).toEqual(typeof line === 'string' ? line : expect.stringMatching(line))
  })

  it('answers wrong usage as JSON to who wants JSON', async () => {
    expect(errorOf(await ksp(['confg', '--json']))).toEqual({
      code: 'usage',
      message: 'unknown verb "confg"; did you mean ksp config?',
      hint: 'see: ksp --help',
    })
    expect(errorOf(await ksp(['identity', 'new', '--json']))).toMatchObject({ code: 'usage' })
  })
})

describe('ksp init', () => {
  it('makes a configuration that is right, a sealed key and a private passphrase, and says what is next', async () => {
    const dir = join(newFolder(), 'herm')
    const { code, out, err } = await ksp([
      'init',
      dir,
      '--id',
      'herm-b',
      '--relay',
      'wss://r.example',
      '--kor',
      'a.b',
      '--yes',
    ])

    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(out).toMatch(/^npub npub1[0-9a-z]{58}$/m)
    expect(out).toContain(`ksp run --config ${join(dir, 'ksp.yaml')}`)
    expect(statSync(dir).mode & 0o777).toBe(0o700)
    for (const file of ['keystore.json', 'passphrase', 'ksp.yaml'])
      expect(statSync(join(dir, file)).mode & 0o777).toBe(0o600)
    expect(readdirSync(dir).sort()).toEqual(['keystore.json', 'ksp.yaml', 'passphrase'])
    expect(await ksp(['config', 'check'], { cwd: dir })).toEqual({
      code: 0,
      out: `${join(dir, 'ksp.yaml')} is right`,
      err: '',
    })
  })

  it('refuses to overwrite anything, and changes nothing', async () => {
    for (const kept of ['ksp.yaml', 'keystore.json', 'passphrase']) {
      const dir = newFolder()
      writeFileSync(join(dir, kept), 'precious')

      const { code, out, err } = await ksp(['init', dir, '--id', 'herm-c', '--yes'])

      expect({ code, out }).toEqual({ code: 2, out: '' })
      expect(err).toBe(`ksp: ${join(dir, kept)} is there already; nothing was changed; choose another DIR`)
      expect(readdirSync(dir)).toEqual([kept])
      expect(readFileSync(join(dir, kept), 'utf8')).toBe('precious')
    }
  })

  it('keeps the secrets in a folder of their own where others can look into DIR', async () => {
    const dir = newFolder()
    chmodSync(dir, 0o755)
    const { code } = await ksp(['init', dir, '--id', 'herm-a', '--relay', 'wss://r.example', '--yes'])

    expect(code).toBe(0)
    expect(statSync(join(dir, 'keys')).mode & 0o777).toBe(0o700)
    expect((await ksp(['identity', 'list', '--json'], { cwd: dir })).code).toBe(0)
  })

  it('makes nothing at all where what was given is wrong', async () => {
    const dir = join(newFolder(), 'herm')
    const { code, err } = await ksp(['init', dir, '--id', 'Herm A', '--relay', 'http://x', '--yes'])

    expect(code).toBe(2)
    expect(err).toContain('"Herm A" is no Herm id')
    expect(err).toContain('"http://x" is no relay')
    expect(existsSync(dir)).toBe(false)
  })

  it('runs the bundled relay where no other is named', async () => {
    const dir = join(newFolder(), 'herm')
    const made = await ksp(['init', dir, '--id', 'herm-a', '--yes'])
    const shown = await ksp(['config', 'show', '--json'], { cwd: dir })

    expect(made.out).toContain('add a relay that others read too')
    expect(JSON.parse(shown.out)).toMatchObject({ relays: [], privateRelay: { host: '127.0.0.1', port: 7447 } })
  })

  it('takes a passphrase from a private file and writes none of its own', async () => {
    const folder = newFolder()
    const passphrase = 'a passphrase of the operator'
    secrets.push(passphrase)
    writeFileSync(join(folder, 'mine'), `${passphrase}\n`, { mode: 0o600 })
    const dir = join(folder, 'herm')
    const { code } = await ksp([
      'init',
      dir,
      '--id',
      'herm-a',
      '--relay',
      'wss://r.example',
      '--passphrase-file',
      join(folder, 'mine'),
    ])

    expect(code).toBe(0)
    expect(readdirSync(dir).sort()).toEqual(['keystore.json', 'ksp.yaml'])
    expect((await ksp(['identity', 'publish', '--dry-run'], { cwd: dir })).code).toBe(0)
  })
})

describe('ksp config', () => {
  it('says in one line what to do where there is no configuration', async () => {
    const cwd = newFolder()
    const { code, out, err } = await ksp(['config', 'check'], { cwd })

    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(/^ksp: no ksp\.yaml found [^\n]*; make one with: ksp init --id herm-a$/)
    expect(errorOf(await ksp(['config', 'check', '--json'], { cwd }))).toMatchObject({ code: 'no-config' })
  })

  it('names two mistakes at once, with line numbers and a suggestion', async () => {
    const cwd = newFolder()
    writeFileSync(
      join(cwd, 'ksp.yaml'),
      'id: herm-a\nidentity: {}\nrelayz: []\nrelays:\n  - url: wss://r.example\n    roads: [pubic]\n',
    )
    const { code, out, err } = await ksp(['config', 'check'], { cwd })

    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err.split('\n')).toEqual([
      'ksp: 2 mistakes in the configuration:',
      'ksp.yaml:3: relayz: unknown key "relayz"; did you mean relays?',
      'ksp.yaml:6: relays[0].roads[0]: "pubic" is none of private, dm, nip44, public; did you mean public?',
      'ksp: mend ksp.yaml, then run: ksp config check',
    ])
    expect(errorOf(await ksp(['config', 'check', '--json'], { cwd }))).toMatchObject({
      code: 'bad-config',
      mistakes: [
        { source: 'ksp.yaml', line: 3, key: 'relayz' },
        { source: 'ksp.yaml', line: 6, key: 'relays[0].roads[0]' },
      ],
    })
  })

  it('tells warnings apart from mistakes', async () => {
    const cwd = newFolder()
    writeFileSync(join(cwd, 'ksp.yaml'), 'id: herm-a\nidentity: {}\nrelays:\n  - ws://relay.example\n')

    const { code, out, err } = await ksp(['config', 'check'], { cwd })

    expect(code).toBe(0)
    expect(out).toMatch(/is right$/)
    expect(err).toMatch(/^warning: ksp\.yaml:4: relays\[0\]\.url: relay\.example is reached without TLS/)
    expect(JSON.parse((await ksp(['config', 'check', '--json'], { cwd })).out)).toMatchObject({
      ok: true,
      warnings: [{ line: 4 }],
    })
  })

  it('shows every option that holds, with where it comes from', async () => {
    const { config } = await initHerm()
    const { out } = await ksp(['config', 'show', '--config', config, '--log-level', 'warn'], {
      env: { KSP_RELAYS: 'wss://other.example' },
    })

    expect(out).toMatch(/^id +herm-a +\S+ksp\.yaml:\d+$/m)
    expect(out).toMatch(/^relays\[0\]\.url +wss:\/\/other\.example +KSP_RELAYS$/m)
    expect(out).toMatch(/^log\.level +warn +--log-level$/m)
    expect(out).toMatch(/^limits\.max_envelope +512KiB +default$/m)
  })

  it('leaves no option out', async () => {
    const { config } = await initHerm()
    // Every example holds: the `#` of prose is followed by one space, that of an option is not.
    writeFileSync(config, readFileSync(config, 'utf8').replaceAll(/^( *)#(?! \S)/gm, '$1'))
    const { code, out } = await ksp(['config', 'show', '--config', config])
    const documented = readFileSync('docs/configuration.md', 'utf8').matchAll(/^\| `([a-z_.[\]]+)` \|/gm)
    const expected = [...documented].map((row) => (row[1] ?? '').replaceAll('[]', '[0]'))

    expect(code).toBe(0)
    expect(expected.length).toBeGreaterThan(25)
    const missing = expected.filter((path) => !out.split('\n').some((line) => line.startsWith(`${path} `)))
    // Shown only where they are true.
    expect(missing).toEqual(['relays[0].read_only', 'relays[0].write_only'])
  })
})

describe('ksp identity', () => {
  it('makes, lists, exports and imports keys', async () => {
    const { dir, npub } = await initHerm()
    const made = await ksp(['identity', 'new', 'ezra', '--json'], { cwd: dir })
    const listed = await ksp(['identity', 'list', '--json'], { cwd: dir })
    const exported = await ksp(['identity', 'export', 'ezra'], { cwd: dir })

    expect(JSON.parse(made.out)).toMatchObject({ name: 'ezra', role: 'agent', kept: 'ncryptsec' })
    const keys = listed.out.split('\n').map((line) => JSON.parse(line) as { name: string; npub: string })
    expect(keys.map((key) => key.name)).toEqual(['herm-a', 'ezra'])
    expect(keys[0]!.npub).toBe(npub)
    expect(exported.out).toMatch(/^ncryptsec1[0-9a-z]+$/)

    // Another Herm takes it, under its own passphrase.
    const other = await initHerm()
    writeFileSync(join(other.dir, 'ezra.ncryptsec'), `${exported.out}\n`, { mode: 0o600 })
    const from = join(dir, 'passphrase')
    const imported = await ksp(
      ['identity', 'import', 'ezra', 'ezra.ncryptsec', '--source-passphrase-file', from, '--json'],
      {
        cwd: other.dir,
      },
    )
    expect(JSON.parse(imported.out)).toMatchObject({ name: 'ezra', npub: keys[1]!.npub })
    const signed = await ksp(['identity', 'publish', 'ezra', '--dry-run'], { cwd: other.dir })
    expect(signed.code).toBe(0)
  })

  it('takes an nsec from stdin only, and refuses one among the arguments without repeating it', async () => {
    const { dir } = await initHerm()
    const nsec = nip19.nsecEncode(Uint8Array.from({ length: 32 }, (_, i) => i + 7))
    secrets.push(nsec)

    for (const args of [
      ['import', 'ezra', nsec],
      ['import', nsec],
      ['new', nsec],
      ['export', nsec],
      ['import', 'ezra', '7'.repeat(64)],
    ]) {
      const { code, out, err } = await ksp(['identity', ...args], { cwd: dir })
      expect({ code, out }).toEqual({ code: 2, out: '' })
      expect(err).toMatch(/^ksp: a secret key must not stand on the command line/)
    }
  })

  it('keeps a key in the clear only when told to, and warns at every start', async () => {
    const { dir } = await initHerm()
    const made = await ksp(['identity', 'new', 'plain', '--insecure-plain'], { cwd: dir })
    const again = await ksp(['identity', 'list'], { cwd: dir })

    expect(made.err).toMatch(/^warning: the key plain stands unencrypted/)
    expect(again.err).toMatch(/^warning: the key plain stands unencrypted/)
    const { keys } = JSON.parse(readFileSync(join(dir, 'keystore.json'), 'utf8')) as { keys: { nsec?: string }[] }
    secrets.push(keys[1]!.nsec!)
    // What leaves is sealed all the same.
    expect((await ksp(['identity', 'export', 'plain'], { cwd: dir })).out).toMatch(/^ncryptsec1/)
  })

  it('prints an nsec only when told to', async () => {
    const dir = join(newFolder(), 'herm')
    await ksp(['init', dir, '--id', 'herm-a', '--relay', 'wss://r.example', '--yes'])

    const { code, out, err } = await ksp(['identity', 'export', 'herm-a', '--insecure-plain'], { cwd: dir })

    expect(code).toBe(0)
    expect(nip19.decode(out).type).toBe('nsec')
    expect(err).toMatch(/^warning: the nsec is the key itself/)
  })

  it('refuses a key file and a passphrase file that others can read, with the chmod that mends it', async () => {
    const { dir } = await initHerm()
    chmodSync(join(dir, 'keystore.json'), 0o644)
    const keystore = await ksp(['identity', 'list'], { cwd: dir })
    const asJson = await ksp(['identity', 'list', '--json'], { cwd: dir })
    chmodSync(join(dir, 'keystore.json'), 0o600)
    chmodSync(join(dir, 'passphrase'), 0o640)
    const passphrase = await ksp(['identity', 'publish', '--dry-run'], { cwd: dir })
    chmodSync(join(dir, 'passphrase'), 0o600)
    chmodSync(dir, 0o750)
    const folder = await ksp(['identity', 'list'], { cwd: dir })

    expect(keystore).toEqual({
      code: 2,
      out: '',
      err: `ksp: keystore ${dir}/keystore.json is open to others (mode 0644); run: chmod 600 ${dir}/keystore.json`,
    })
    expect(errorOf(asJson)).toMatchObject({ code: 'too-open', hint: `run: chmod 600 ${dir}/keystore.json` })
    expect(passphrase.err).toBe(
      `ksp: passphrase file ${dir}/passphrase is open to others (mode 0640); run: chmod 600 ${dir}/passphrase`,
    )
    expect(folder.err).toBe(`ksp: folder ${dir} is open to others (mode 0750); run: chmod 700 ${dir}`)
  })

  it('refuses a wrong passphrase, an unknown key and a damaged keystore, each in one line', async () => {
    const { dir } = await initHerm()
    const good = readFileSync(join(dir, 'keystore.json'), 'utf8')
    writeFileSync(join(dir, 'wrong'), 'this is the wrong passphrase\n', { mode: 0o600 })
    secrets.push('this is the wrong passphrase')

    const wrong = await ksp(['identity', 'publish', '--dry-run', '--passphrase-file', 'wrong'], { cwd: dir })
    const byVariable = await ksp(['identity', 'publish', '--dry-run'], {
      cwd: dir,
      env: { KSP_PASSPHRASE_FILE: 'wrong' },
    })
    const unknown = await ksp(['identity', 'export', 'ezra', '--json'], { cwd: dir })
    writeFileSync(join(dir, 'keystore.json'), good.slice(0, -40))
    const damaged = await ksp(['identity', 'list'], { cwd: dir })
    writeFileSync(join(dir, 'keystore.json'), '{"ksp_keystore":9}')
    const newer = await ksp(['identity', 'list'], { cwd: dir })

    const line = 'ksp: wrong passphrase for the key herm-a; give the one it was made with'
    expect(wrong).toEqual({ code: 2, out: '', err: line })
    expect(byVariable).toEqual({ code: 2, out: '', err: line })
    expect(errorOf(unknown)).toMatchObject({
      code: 'unknown-key',
      message: expect.stringContaining('it has herm-a') as string,
    })
    expect(damaged).toEqual({
      code: 2,
      out: '',
      err: `ksp: keystore ${dir}/keystore.json is damaged: it is not JSON; restore it from a copy`,
    })
    expect(newer.err).toMatch(/has format 9; this version reads 1; install a newer ksp$/)
  })

  it('takes no passphrase from the environment', async () => {
    const { dir } = await initHerm()
    const { code, err } = await ksp(['identity', 'publish', '--dry-run'], {
      cwd: dir,
      env: { KSP_PASSPHRASE: 'hunter2 hunter2 hunter2' },
    })
    secrets.push('hunter2 hunter2 hunter2')

    expect(code).toBe(2)
    expect(err).toContain('KSP_PASSPHRASE: a passphrase is not taken from the environment')
  })

  it('asks nobody where there is no terminal', async () => {
    const { dir, config } = await initHerm()
    writeFileSync(config, readFileSync(config, 'utf8').replace(/^ +passphrase_file: .*\n/m, ''))

    const { code, err } = await ksp(['identity', 'publish', '--dry-run'], { cwd: dir })

    expect(code).toBe(2)
    expect(err).toMatch(/^ksp: the key herm-a needs its passphrase; set identity\.passphrase_file/)
  })

  it('reads the passphrase from a systemd credential', async () => {
    const { dir, config } = await initHerm()
    writeFileSync(config, readFileSync(config, 'utf8').replace(/^ +passphrase_file: .*\n/m, ''))
    const folder = newFolder()
    writeFileSync(join(folder, 'ksp-passphrase'), readFileSync(join(dir, 'passphrase')), { mode: 0o440 })

    const { code } = await ksp(['identity', 'publish', '--dry-run'], {
      cwd: dir,
      env: { CREDENTIALS_DIRECTORY: folder },
    })

    expect(code).toBe(0)
  })

  it('prints with --dry-run the signed events, a Herm’s node-info among them', async () => {
    const { dir, npub } = await initHerm()
    const { code, out } = await ksp(['identity', 'publish', '--dry-run'], { cwd: dir })
    const events = out.split('\n').map((line) => JSON.parse(line) as Event)

    expect(code).toBe(0)
    expect(events.map((event) => event.kind)).toEqual([0, 10_002, 30_078])
    expect(events.every((event) => verifyEvent(event) && nip19.npubEncode(event.pubkey) === npub)).toBe(true)
    expect(JSON.parse(events[0]!.content)).toMatchObject({ name: 'herm-a', bot: true })
    // Nobody runs there.
    expect(JSON.parse(events[2]!.content)).toMatchObject({ type: 'ksp-service', id: 'herm-a', npub, status: 'offline' })
  })
})

describe('ksp identity publish, to relays that run', () => {
  let relay: Child
  let url: string
  beforeAll(async () => {
    relay = startKsp(['relay', '--listen', '127.0.0.1:0', '--db', join(newFolder(), 'relay.sqlite')], {
      env: clean,
    })
    url = (await relay.line(/^ready /)).replace('ready ', '')
  })
  afterAll(async () => {
    await relay.stop()
  })

  it('publishes all keys, reads them back and tells each relay’s word', async () => {
    const { dir } = await initHerm(url)
    await ksp(['identity', 'new', 'ezra'], { cwd: dir })
    const { code, out } = await ksp(['identity', 'publish', '--all', '--json'], { cwd: dir })
    const rows = out.split('\n').map((line) => JSON.parse(line) as Record<string, unknown>)

    expect(code).toBe(0)
    expect(rows.map((row) => [row['name'], row['kind']])).toEqual([
      ['herm-a', 0],
      ['herm-a', 10_002],
      ['herm-a', 30_078],
      ['ezra', 0],
      ['ezra', 10_002],
    ])
    for (const row of rows)
      expect(row).toMatchObject({
        relay: url,
        accepted: true,
        readBack: true,
        id: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      })
  })

  it('is done where one relay took everything, and has failed where none did', async () => {
    const { dir } = await initHerm(url)
    // Port 9 (discard) on loopback: nobody listens there.
    const both = await ksp(['identity', 'publish', '--relay', url, '--relay', 'ws://127.0.0.1:9'], { cwd: dir })
    const none = await ksp(['identity', 'publish', '--relay', 'ws://127.0.0.1:9', '--kinds', '0'], { cwd: dir })

    expect(both.code).toBe(0)
    expect(both.out).toMatch(/3 of 6 accepted, 3 read back$/)
    expect(none.code).toBe(1)
    expect(none.out).toMatch(/^herm-a +0 +ws:\/\/127\.0\.0\.1:9 +no +no +.*ECONNREFUSED/m)
    expect(none.err).toBe('ksp: 1 of the events were accepted by no relay')
  })

  it('makes and publishes a fleet of sixteen, and makes no key twice', async () => {
    const folder = newFolder()
    const names = Array.from({ length: 16 }, (_, i) => `agent-${String(i + 1).padStart(2, '0')}`)
    writeFileSync(join(folder, 'names.txt'), `# the fleet\n${names.join('\n')}\n`)
    mkdirSync(join(folder, 'fleet'), { mode: 0o700 })
    const script = builtProgram('scripts/publish-identities.js')
    const args = [
      '--keystore',
      'fleet/keystore.json',
      '--passphrase-file',
      'fleet/passphrase',
      '--relay',
      url,
      '--json',
    ]
    const run = async (names: string): Promise<Record<string, unknown>[]> => {
      const process = startChild(script, ['--names', names, ...args], { cwd: folder, env: clean })
      expect((await process.ended).code).toBe(0)
      printed.push(...process.out, ...process.err)
      return process.out.map((line) => JSON.parse(line) as Record<string, unknown>)
    }

    const first = await run('names.txt')
    const second = await run('agent-01,agent-16')
    secrets.push(readFileSync(join(folder, 'fleet', 'passphrase'), 'utf8').trim())

    expect([...new Set(first.map((row) => row['name']))]).toEqual(names)
    expect(first.every((row) => row['accepted'] === true && row['readBack'] === true)).toBe(true)
    const npubs = (rows: Record<string, unknown>[]): unknown[] => [...new Set(rows.map((row) => row['npub']))]
    expect(npubs(first)).toHaveLength(16)
    expect(npubs(second)).toEqual([npubs(first)[0], npubs(first)[15]])
    expect(statSync(join(folder, 'fleet', 'passphrase')).mode & 0o777).toBe(0o600)
  })
})
