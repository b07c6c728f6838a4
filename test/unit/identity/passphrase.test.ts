import { chmodSync, closeSync, mkdtempSync, openSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { newPassphrase, readPassphrase } from '../../../src/identity/passphrase.js'

const fileWith = (content: string, mode = 0o600, name = 'passphrase'): string => {
  const file = join(mkdtempSync(join(tmpdir(), 'ksp-')), name)
  writeFileSync(file, content, { mode })
  chmodSync(file, mode)
  return file
}

const credentials = (content: string): string => join(fileWith(content, 0o440, 'ksp-passphrase'), '..')

describe('a passphrase', () => {
  it('is what stands in its file, without the line break an editor adds', async () => {
    expect(await readPassphrase({ file: fileWith('correct horse\n') })).toBe('correct horse')
    expect(await readPassphrase({ file: fileWith('correct horse\r\n') })).toBe('correct horse')
    expect(await readPassphrase({ file: fileWith(' spaces stay ') })).toBe(' spaces stay ')
  })

  it('is refused from a file that others can read, with the chmod that mends it', async () => {
    const file = fileWith('hunter2', 0o644)

    await expect(readPassphrase({ file })).rejects.toMatchObject({ code: 'too-open', hint: `run: chmod 600 ${file}` })
  })

  it.each([
    ['empty', '', 'bad-passphrase'],
    ['an empty line', '\n', 'bad-passphrase'],
    ['two lines', 'one\ntwo\n', 'bad-passphrase'],
    ['far too long', 'x'.repeat(4 * 1024 + 1), 'unreadable'],
  ])('is refused when it is %s', async (_, content, code) => {
    await expect(readPassphrase({ file: fileWith(content) })).rejects.toMatchObject({ code })
  })

  it('is read from a descriptor, which is bounded too', async () => {
    const good = openSync(fileWith('from a descriptor\n'), 'r')
    const long = openSync(fileWith('x'.repeat(10_000)), 'r')

    expect(await readPassphrase({ descriptor: good })).toBe('from a descriptor')
    await expect(readPassphrase({ descriptor: long })).rejects.toMatchObject({ code: 'unreadable' })
    await expect(readPassphrase({ descriptor: 999 })).rejects.toMatchObject({ code: 'unreadable' })
    closeSync(good)
    closeSync(long)
  })

  it('is read from a systemd credential whatever mode that shows, and asked for where there is none', async () => {
    const ask = (): Promise<string> => Promise.resolve('typed')

    expect(await readPassphrase({ credentialsFolder: credentials('from systemd'), ask })).toBe('from systemd')
    expect(await readPassphrase({ credentialsFolder: mkdtempSync(join(tmpdir(), 'ksp-')), ask })).toBe('typed')
  })

  it('comes from the strongest source: descriptor, file, credential, person', async () => {
    const fd = openSync(fileWith('descriptor'), 'r')
    const file = fileWith('file')
    const credentialsFolder = credentials('credential')
    const ask = (): Promise<string> => Promise.reject(new Error('nobody is asked'))

    expect(await readPassphrase({ descriptor: fd, file, credentialsFolder, ask })).toBe('descriptor')
    expect(await readPassphrase({ file, credentialsFolder, ask })).toBe('file')
    expect(await readPassphrase({ credentialsFolder, ask })).toBe('credential')
    expect(await readPassphrase({})).toBeUndefined()
    closeSync(fd)
  })

  it('does not fall through to a weaker source when the one that is named fails', async () => {
    const ask = (): Promise<string> => Promise.resolve('typed')
    const absent = join(mkdtempSync(join(tmpdir(), 'ksp-')), 'absent')

    await expect(readPassphrase({ file: absent, ask })).rejects.toMatchObject({ code: 'unreadable' })
  })

  it('is never repeated in an error', async () => {
    const error: unknown = await readPassphrase({ file: fileWith('hunter2\nhunter3') }).catch((e: unknown) => e)

    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('hunter')
  })

  it('is made of 256 random bits', () => {
    expect(newPassphrase()).toMatch(/^[\w-]{43}$/)
    expect(newPassphrase()).not.toBe(newPassphrase())
  })
})
