import { describe, expect, it } from 'vitest'
import { placeFlaw, secp256k1Places, type System } from '../../../src/crypto/find-secp256k1.js'

const system = (given: Partial<System>, files: readonly string[] = []): System => ({
  platform: 'linux',
  arch: 'x64',
  env: {},
  exists: (path) => files.includes(path),
  ...given,
})
const BARE = [6, 5, 2, 1, 0].map((version) => `libsecp256k1.so.${version}`)

describe('where libsecp256k1 is looked for', () => {
  it('is nowhere else than where the environment says', () => {
    const env = { KSP_LIBSECP256K1: '/opt/libsecp256k1.so.1' }
    expect(secp256k1Places(system({ env }, ['/usr/lib/libsecp256k1.so.6']))).toEqual(['/opt/libsecp256k1.so.1'])
  })

  it('is everywhere again when the environment says nothing', () => {
    expect(secp256k1Places(system({ env: { KSP_LIBSECP256K1: '' } }))).toEqual(BARE)
  })

  it('is on Linux in the usual folders, the newest first, and then where the loader looks', () => {
    const files = [
      '/usr/lib/aarch64-linux-gnu/libsecp256k1.so.1',
      '/home/linuxbrew/.linuxbrew/lib/libsecp256k1.so.6',
      '/usr/lib/x86_64-linux-gnu/libsecp256k1.so.2',
      // Of a version that no name tells.
      '/usr/lib/libsecp256k1.so',
    ]
    expect(secp256k1Places(system({ arch: 'arm64' }, files))).toEqual([
      '/home/linuxbrew/.linuxbrew/lib/libsecp256k1.so.6',
      '/usr/lib/aarch64-linux-gnu/libsecp256k1.so.1',
      ...BARE,
    ])
  })

  it('is on macOS never a bare name: the loader would look in the working directory', () => {
    const files = ['/opt/homebrew/lib/libsecp256k1.6.dylib', '/usr/local/lib/libsecp256k1.dylib']
    expect(secp256k1Places(system({ platform: 'darwin', arch: 'arm64' }, files))).toEqual(files)
  })

  it('is nowhere on other systems', () => {
    expect(secp256k1Places(system({ platform: 'win32' }))).toEqual([])
  })
})

describe('a place that can’t be right', () => {
  it('is a file that is not there, or a path that depends on the working directory', () => {
    expect(placeFlaw('/nowhere/libsecp256k1.so.1')).toBe('/nowhere/libsecp256k1.so.1 does not exist')
    expect(placeFlaw('./libsecp256k1.so.1')).toBe('./libsecp256k1.so.1 is not an absolute path')
    expect(placeFlaw('libsecp256k1.so.1')).toBeUndefined()
  })
})
