import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawnSync } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fault } from '../../../src/core/fault.js'
import { listenAt } from '../../../src/kapnetd/socket-file.js'

describe('the socket file', () => {
  let folder: string
  let servers: Server[]

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kapnetd-socket-'))
    servers = []
  })
  afterEach(async () => {
    for (const server of servers) await new Promise((resolve) => server.close(resolve))
    rmSync(folder, { recursive: true })
  })
  const listen = async (path: string): Promise<void> => {
    const server = createServer()
    await listenAt(server, path)
    servers.push(server)
  }

  it('and its folder are the owner’s alone, whatever the umask is', async () => {
    const before = process.umask(0)
    const path = join(folder, 'made', 'deep', 'k.sock')
    await listen(path)
    expect(process.umask(before)).toBe(0)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'made', 'deep')).mode & 0o777).toBe(0o700)
  })

  it('is replaced when nobody answers there', async () => {
    const path = join(folder, 'k.sock')
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
    spawnSync(process.execPath, ['-e', script])
    expect(existsSync(path)).toBe(true)
    await listen(path)
    expect(statSync(path).isSocket()).toBe(true)
  })

  it('is not touched when somebody answers there', async () => {
    const path = join(folder, 'k.sock')
    await listen(path)
    const { ino } = statSync(path)
    await expect(listen(path)).rejects.toThrow(
      new Fault('kapnetd', `another kapnetd answers on ${path}: stop it, or choose another --socket`),
    )
    expect(statSync(path).ino).toBe(ino)
  })

  it('never replaces what is no socket', async () => {
    const path = join(folder, 'notes.txt')
    writeFileSync(path, 'notes')
    await expect(listen(path)).rejects.toThrow(/is no socket: choose another --socket/)
    expect(existsSync(path)).toBe(true)
  })

  it('is not put where others could replace it', async () => {
    const open = join(folder, 'open')
    mkdirSync(open)
    chmodSync(open, 0o777)
    await expect(listen(join(open, 'k.sock'))).rejects.toThrow(/chmod 700/)
    chmodSync(open, 0o1777)
    await listen(join(open, 'k.sock'))
  })

  it('says which folder can not be made', async () => {
    writeFileSync(join(folder, 'file'), '')
    await expect(listen(join(folder, 'file', 'k.sock'))).rejects.toBeInstanceOf(Fault)
  })
})
