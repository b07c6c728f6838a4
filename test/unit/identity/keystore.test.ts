import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import * as nip19 from 'nostr-tools/nip19'
import * as nip49 from 'nostr-tools/nip49'
import type { UnixSec } from '../../../src/core/types.js'
import { IdentityError } from '../../../src/identity/identity-error.js'
import { addKeys, openKeystore, type NewKey, type Protection } from '../../../src/identity/keystore.js'
import { newSecret, pubkeyOf } from '../../../src/identity/secret-key.js'

/** A work factor that only tests may use. */
const QUICK: Protection = { passphrase: 'correct horse', logN: 4 }

const key = (name: string, secret = newSecret()): NewKey => ({
  name,
  role: 'agent',
  secret,
  createdAt: 1_700_000_000 as UnixSec,
  origin: 'made-here',
})

const newFile = (): string => join(mkdtempSync(join(tmpdir(), 'ksp-')), 'keystore.json')

const errorOf = (act: () => unknown): IdentityError => {
  try {
    act()
  } catch (error) {
    if (error instanceof IdentityError) return error
    throw error
  }
  throw new Error('it was expected to fail')
}

describe('a keystore', () => {
  it('gives back the key that was put in, to who knows the passphrase', () => {
    const file = newFile()
    const secret = newSecret()
    const [entry] = addKeys(file, [key('herm-a', secret)], QUICK)

    const keystore = openKeystore(file)

    expect(entry).toMatchObject({ name: 'herm-a', role: 'agent', kept: 'ncryptsec', pubkey: pubkeyOf(secret) })
    expect(keystore.list()).toEqual([entry])
    expect(keystore.unlock('herm-a', 'correct horse')).toEqual(secret)
    expect(keystore.warnings).toEqual([])
  })

  it('seals keys as NIP-49 does, so that other tools can open them', () => {
    const file = newFile()
    const secret = newSecret()
    addKeys(file, [key('herm-a', secret)], QUICK)

    const sealed = openKeystore(file).sealed('herm-a') ?? ''

    expect(nip49.decrypt(sealed, 'correct horse')).toEqual(secret)
  })

  it('makes its folder 0700 and its file 0600, and leaves nothing else behind', () => {
    const folder = join(mkdtempSync(join(tmpdir(), 'ksp-')), 'a', 'b')
    const file = join(folder, 'keystore.json')
    addKeys(file, [key('one')], QUICK)
    addKeys(file, [key('two')], QUICK)

    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(readdirSync(folder)).toEqual(['keystore.json'])
    expect(
      openKeystore(file)
        .list()
        .map((entry) => entry.name),
    ).toEqual(['one', 'two'])
  })

  it('holds no secret in the clear unless that was asked for, and then warns', () => {
    const file = newFile()
    const [sealed, plain] = [newSecret(), newSecret()]
    addKeys(file, [key('sealed', sealed)], QUICK)
    addKeys(file, [key('plain', plain)], 'insecure-plain')

    const text = readFileSync(file, 'utf8')
    const keystore = openKeystore(file)

    expect(text).not.toContain(nip19.nsecEncode(sealed))
    expect(text).not.toContain(Buffer.from(sealed).toString('hex'))
    expect(text).toContain(nip19.nsecEncode(plain))
    expect(keystore.warnings).toEqual([expect.stringContaining('the key plain stands unencrypted')])
    expect(keystore.unlock('plain')).toEqual(plain)
  })

  it('refuses a wrong passphrase, and none', () => {
    const file = newFile()
    addKeys(file, [key('herm-a')], QUICK)
    const keystore = openKeystore(file)

    expect(errorOf(() => keystore.unlock('herm-a', 'wrong'))).toMatchObject({
      code: 'wrong-passphrase',
      message: 'wrong passphrase for the key herm-a',
    })
    expect(errorOf(() => keystore.unlock('herm-a'))).toMatchObject({ code: 'no-passphrase' })
  })

  it('names the keys there are when one is asked for that is not', () => {
    const file = newFile()
    addKeys(file, [key('one'), key('two')], QUICK)

    expect(errorOf(() => openKeystore(file).unlock('three', 'x'))).toMatchObject({
      code: 'unknown-key',
      message: `keystore ${file} has no key "three"; it has one, two`,
    })
  })

  it('never overwrites: neither a name nor a key is taken twice, and then nothing is added', () => {
    const file = newFile()
    const secret = newSecret()
    addKeys(file, [key('one', secret)], QUICK)
    const before = readFileSync(file, 'utf8')

    expect(errorOf(() => addKeys(file, [key('new'), key('one')], QUICK)).code).toBe('key-exists')
    expect(errorOf(() => addKeys(file, [key('other', secret)], QUICK)).message).toContain('there already as one')
    expect(errorOf(() => addKeys(file, [key('x'), key('x')], QUICK)).code).toBe('key-exists')
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  it.each(['', 'A', 'a b', '../x', '-a', 'a'.repeat(65), '__proto__'])('refuses the name %j', (name) => {
    const file = newFile()

    expect(errorOf(() => addKeys(file, [key(name)], QUICK)).code).toBe('bad-name')
    expect(existsSync(file)).toBe(false)
  })

  it.each([0o644, 0o640, 0o604, 0o660, 0o610])('refuses a file of mode %o with the chmod that mends it', (mode) => {
    const file = newFile()
    addKeys(file, [key('one')], QUICK)
    chmodSync(file, mode)

    const error = errorOf(() => openKeystore(file))

    expect(error).toMatchObject({ code: 'too-open', hint: `run: chmod 600 ${file}` })
    expect(error.message).toContain(`(mode 0${mode.toString(8)})`)
    expect(errorOf(() => addKeys(file, [key('two')], QUICK)).code).toBe('too-open')
  })

  it('refuses a folder that is open to others, also behind a link, and quotes what a shell would break', () => {
    const parent = mkdtempSync(join(tmpdir(), 'ksp-'))
    const folder = join(parent, "it's open")
    mkdirSync(folder, { mode: 0o700 })
    addKeys(join(folder, 'keystore.json'), [key('one')], QUICK)
    chmodSync(folder, 0o755)
    symlinkSync(join(folder, 'keystore.json'), join(parent, 'link.json'))

    for (const file of [join(folder, 'keystore.json'), join(parent, 'link.json')]) {
      const error = errorOf(() => openKeystore(file))
      expect(error.code).toBe('too-open')
      expect(error.hint).toBe(`run: chmod 700 '${parent}/it'\\''s open'`)
    }
  })

  it('takes a file that is tighter than it must be', () => {
    const file = newFile()
    addKeys(file, [key('one')], QUICK)
    chmodSync(file, 0o400)

    expect(openKeystore(file).list()).toHaveLength(1)
  })

  it('says what to do where there is none', () => {
    expect(errorOf(() => openKeystore(newFile()))).toMatchObject({ code: 'no-keystore' })
  })

  const nsec = nip19.nsecEncode(newSecret())
  const good = { name: 'a', role: 'herm', npub: nip19.npubEncode(pubkeyOf(newSecret())), created_at: 1, nsec }
  it.each([
    ['no JSON', `{"keys": "${nsec}`, 'it is not JSON'],
    ['no keystore', '[]', 'it is no keystore'],
    ['no format', '{"keys":[]}', 'it is no keystore'],
    ['another format', '{"ksp_keystore":"1","keys":[]}', 'its format is unknown'],
    ['no list', '{"ksp_keystore":1,"keys":{}}', 'needs a list'],
    ['no entry', '{"ksp_keystore":1,"keys":[1]}', 'entry 1 is no object'],
    [
      'no name',
      JSON.stringify({ ksp_keystore: 1, keys: [{ ...good, name: nsec.toUpperCase() }] }),
      'has no proper name',
    ],
    ['no role', JSON.stringify({ ksp_keystore: 1, keys: [{ ...good, role: 'x' }] }), 'unknown role'],
    ['no npub', JSON.stringify({ ksp_keystore: 1, keys: [{ ...good, npub: 'npub1' }] }), 'no proper npub'],
    ['two secrets', JSON.stringify({ ksp_keystore: 1, keys: [{ ...good, bunker: 'x' }] }), 'exactly one of'],
    ['a name twice', JSON.stringify({ ksp_keystore: 1, keys: [good, good] }), 'stands there twice'],
    ['too many', JSON.stringify({ ksp_keystore: 1, keys: Array(1_001).fill(good) }), 'at most 1000 keys'],
  ])('refuses a file with %s, and repeats nothing of it', (_, text, why) => {
    const file = newFile()
    writeFileSync(file, text, { mode: 0o600 })

    const error = errorOf(() => openKeystore(file))

    expect(error.code).toBe('corrupt-keystore')
    expect(error.message).toContain(why)
    expect(`${error.message} ${error.hint}`.toLowerCase()).not.toContain(nsec.slice(5, 30))
  })

  it('refuses a newer format without touching it', () => {
    const file = newFile()
    writeFileSync(file, '{"ksp_keystore":2,"boxes":[]}', { mode: 0o600 })

    expect(errorOf(() => openKeystore(file))).toMatchObject({ code: 'newer-keystore', hint: 'install a newer ksp' })
    expect(errorOf(() => addKeys(file, [key('a')], QUICK)).code).toBe('newer-keystore')
    expect(readFileSync(file, 'utf8')).toBe('{"ksp_keystore":2,"boxes":[]}')
  })

  it('refuses a file that is too large, and one that is none', () => {
    const file = newFile()
    writeFileSync(file, ' '.repeat(1024 * 1024 + 1), { mode: 0o600 })
    const folder = mkdtempSync(join(tmpdir(), 'ksp-'))

    expect(errorOf(() => openKeystore(file)).code).toBe('unreadable')
    expect(errorOf(() => openKeystore(folder)).code).toBe('unreadable')
  })

  it('notices when a secret is not that of its npub', () => {
    const file = newFile()
    addKeys(file, [key('one'), key('two')], QUICK)
    const json = JSON.parse(readFileSync(file, 'utf8')) as { keys: { ncryptsec: string }[] }
    const [one, two] = json.keys as [{ ncryptsec: string }, { ncryptsec: string }]
    ;[one.ncryptsec, two.ncryptsec] = [two.ncryptsec, one.ncryptsec]
    writeFileSync(file, JSON.stringify(json))

    expect(errorOf(() => openKeystore(file).unlock('one', 'correct horse'))).toMatchObject({ code: 'corrupt-keystore' })
  })

  it('keeps a remote signer’s entry and says that this version can’t use it', () => {
    const file = newFile()
    writeFileSync(
      file,
      JSON.stringify({ ksp_keystore: 1, keys: [{ ...good, nsec: undefined, bunker: 'bunker://x' }] }),
      { mode: 0o600 },
    )
    addKeys(file, [key('b')], QUICK)

    expect(
      openKeystore(file)
        .list()
        .map((entry) => entry.kept),
    ).toEqual(['bunker', 'ncryptsec'])
    expect(errorOf(() => openKeystore(file).unlock('a')).code).toBe('not-available')
    expect(readFileSync(file, 'utf8')).toContain('bunker://x')
  })
})

describe('two processes at one keystore', () => {
  it('refuses to change it while another one does', () => {
    const file = newFile()
    writeFileSync(`${file}.lock`, String(process.ppid), { mode: 0o600 })

    expect(errorOf(() => addKeys(file, [key('one')], QUICK))).toMatchObject({ code: 'busy' })
    expect(existsSync(file)).toBe(false)
  })

  it('takes over the lock of a process that is gone', () => {
    const file = newFile()
    // No system gives out a number this high.
    writeFileSync(`${file}.lock`, '2147483646', { mode: 0o600 })
    addKeys(file, [key('one')], QUICK)

    expect(openKeystore(file).list()).toHaveLength(1)
    expect(existsSync(`${file}.lock`)).toBe(false)
  })
})
