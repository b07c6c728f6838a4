import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readArguments } from '../../../src/kapnetd/arguments.js'
import { KAPNETD_VERSION } from '../../../src/kapnetd/main.js'

const read = (args: string, env: Record<string, string> = {}): ReturnType<typeof readArguments> =>
  readArguments(args === '' ? [] : args.split(' '), env)

describe('the arguments of ksp kapnetd', () => {
  it('are a socket, a file and a session', () => {
    expect(read('--socket /s/k.sock --db /s/k.db --session herm-a')).toEqual({
      verb: 'serve',
      socket: '/s/k.sock',
      db: '/s/k.db',
      session: 'herm-a',
      networkId: 0,
      mode: 'LOCAL_ONLY',
    })
    expect(read('--socket=/k --db=/d --session=a --network-id=4294967295 --mode=LOCAL_ONLY')).toMatchObject({
      networkId: 4_294_967_295,
    })
  })

  it('have a default for the socket where the system has a folder for sockets', () => {
    expect(read('--db /d --session herm-a', { XDG_RUNTIME_DIR: '/run/user/7' })).toMatchObject({
      socket: '/run/user/7/kapnetd/herm-a.sock',
    })
    expect(read('--db /d --session herm-a')).toMatchObject({ verb: 'wrong', reason: /--socket/ })
  })

  it('know the home folder', () => {
    expect(read('--socket=~/k.sock --db=~/k.db --session a')).toMatchObject({
      socket: join(homedir(), 'k.sock'),
      db: join(homedir(), 'k.db'),
    })
  })

  it.each([
    ['', '--db FILE is missing'],
    ['--db /d', '--session ID is missing'],
    ['--db /d --session Herm --socket /s', '--session Herm: small letters'],
    ['--db /d --session any --socket /s', '--session any: '],
    ['--db /d --session a --socket /s --network-id -1', "'--network-id'"],
    ['--db /d --session a --socket /s --network-id 4294967296', '--network-id 4294967296: a number'],
    ['--db /d --session a --socket /s --network-id 1e3', '--network-id 1e3: a number'],
    ['--db /d --session a --socket /s --mode OPEN', '--mode OPEN: only LOCAL_ONLY'],
    ['--db /d --session a --socket /s --colour', "'--colour'"],
    ['--db /d --session a --socket /s more', '"more" is not understood'],
    [`--db /d --session a --socket /${'x'.repeat(100)}`, '--socket is 101 bytes long'],
    ['call', '--socket PATH is missing'],
    ['call --socket /s', 'which method'],
    ['call --socket /s braid {} {}', 'one JSON object'],
    ['call --socket /s --db /d braid', '--db does not go with call'],
  ])('are refused with a reason: %s', (args, reason) => {
    const command = read(args)
    expect(command.verb).toBe('wrong')
    expect(command.verb === 'wrong' && command.reason).toContain(reason)
  })

  it('can be a call', () => {
    expect(read('call --socket /s braid')).toEqual({ verb: 'call', socket: '/s', method: 'braid', params: '{}' })
    expect(read('call --socket /s has {"ids":[]}')).toMatchObject({ params: '{"ids":[]}' })
    expect(read('call --socket /s has -')).toMatchObject({ params: '-' })
  })

  it('can be a question', () => {
    expect(read('--help')).toEqual({ verb: 'help' })
    expect(read('call -h')).toEqual({ verb: 'help' })
  })

  it('belong to the version of the package', () => {
    const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    expect(KAPNETD_VERSION).toBe(version)
  })
})
