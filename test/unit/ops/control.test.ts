import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createConnection, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { JsonObject } from '../../../src/core/types.js'
import { connectControl, type ControlClient } from '../../../src/ops/control-client.js'
import { ControlError, openControl, type ControlHandler, type ControlServer } from '../../../src/ops/control-server.js'
import { watching } from '../../support/watching.js'
import { keptLog, settle, type KeptLog } from '../pipeline/build.js'

const socketFile = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'ksp-control-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'ksp.sock')
}
const serving = async (
  handlers: Record<string, ControlHandler>,
  path = socketFile(),
): Promise<{ path: string; server: ControlServer; log: KeptLog }> => {
  const log = keptLog()
  const server = await openControl(path, handlers, log)
  onTestFinished(() => server.close())
  return { path, server, log }
}
const connected = async (path: string): Promise<ControlClient> => {
  const client = await connectControl(path)
  if (client === undefined) throw new Error('nobody listens')
  onTestFinished(() => client.close())
  return client
}
/** A client that says anything. */
const raw = async (
  path: string,
): Promise<{ socket: Socket; lines: JsonObject[]; next: () => Promise<JsonObject>; closed: Promise<void> }> => {
  const socket = createConnection(path)
  const lines: JsonObject[] = []
  const watch = watching()
  let text = ''
  socket.on('data', (piece: Buffer) => {
    text += piece.toString()
    const parts = text.split('\n')
    text = parts.pop() ?? ''
    lines.push(...parts.map((line) => JSON.parse(line) as JsonObject))
    watch.changed()
  })
  socket.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await new Promise((resolve) => socket.once('connect', resolve))
  onTestFinished(() => void socket.destroy())
  let read = 0
  return {
    socket,
    lines,
    closed,
    next: async () => {
      await watch.until(() => lines.length > read)
      return lines[read++]!
    },
  }
}
const echo: Record<string, ControlHandler> = { echo: (params) => Promise.resolve(params) }

describe('the control socket', () => {
  it('answers many at once, each with its own', async () => {
    const { path } = await serving(echo)
    const client = await connected(path)
    const answers = await Promise.all(Array.from({ length: 200 }, (_, n) => client.call('echo', { n })))
    expect(answers).toEqual(Array.from({ length: 200 }, (_, n) => ({ n })))
  })

  it('is open to its owner alone', async () => {
    const { path } = await serving(echo)
    expect(statSync(path).mode & 0o777).toBe(0o600)
  })

  it('tells an expected no as it is, and of a bug no more than its words', async () => {
    const { path, log } = await serving({
      no: () => Promise.reject(new ControlError('unknown-peer', 'no such peer', 'ask ksp peers')),
      bug: () => Promise.reject(new TypeError('x is not a function')),
    })
    const client = await connected(path)
    await expect(client.call('no')).rejects.toMatchObject({
      code: 'unknown-peer',
      message: 'no such peer',
      hint: 'ask ksp peers',
    })
    await expect(client.call('bug')).rejects.toMatchObject({ code: 'failed', message: 'x is not a function' })
    expect(log.events()).toEqual(['control.failed'])
    await expect(client.call('nothing')).rejects.toMatchObject({ code: 'unknown-method' })
    await expect(client.call('toString')).rejects.toMatchObject({ code: 'unknown-method' })
  })

  it('answers what is no request, and goes on', async () => {
    const { path } = await serving(echo)
    const c = await raw(path)
    for (const line of ['', '{', 'null', '[]', '{"id":1}', '{"method":5}', '{"method":"echo","params":[]}']) {
      c.socket.write(`${line}\n`)
      expect((await c.next())['error']).toMatchObject({ code: 'bad-request' })
    }
    c.socket.write('{"id":"x","method":"echo"}\n')
    expect(await c.next()).toEqual({ id: 'x', result: {} })
  })

  it('drops whoever sends a line without end', async () => {
    const { path } = await serving(echo)
    const c = await raw(path)
    const piece = 'x'.repeat(1024 * 1024)
    for (let i = 0; i < 9; i++) c.socket.write(piece)
    await c.closed
    expect(await (await connected(path)).call('echo', { a: 1 })).toEqual({ a: 1 })
  })

  it('stops reading from a client that asks and does not read', async () => {
    let asked = 0
    const heard = watching()
    const { path } = await serving({
      big: () => {
        asked++
        heard.changed()
        return Promise.resolve('x'.repeat(20_000))
      },
    })
    const socket = createConnection(path).pause()
    onTestFinished(() => void socket.destroy())
    // More than the kernel's buffers hold: without a limit all would be answered into our own memory.
    socket.write('{"id":1,"method":"big"}\n'.repeat(20_000))
    for (let before = -1; before !== asked;) {
      before = asked
      await settle(100)
    }
    expect(asked).toBeGreaterThan(0)
    expect(asked).toBeLessThan(200)

    socket.resume()
    await heard.until(() => asked === 20_000)
  })

  it('tells its handlers when the client has gone', async () => {
    const gone = watching()
    let aborted = false
    const { path } = await serving({
      wait: (_, signal) =>
        new Promise((resolve) => {
          gone.changed()
          signal.addEventListener('abort', () => {
            aborted = true
            gone.changed()
            resolve(undefined)
          })
        }),
    })
    const c = await raw(path)
    c.socket.write('{"method":"wait"}\n')
    await gone.until(() => true)
    c.socket.destroy()
    await gone.until(() => aborted)
  })

  it('has room for so many clients and turns the next away', async () => {
    const { path } = await serving(echo)
    const clients = await Promise.all(Array.from({ length: 32 }, () => connected(path)))
    await Promise.all(clients.map((c) => c.call('echo', {})))
    const late = await raw(path)
    await late.closed
    clients[0]!.close()
    await expect(clients[1]!.call('echo', { still: 'here' })).resolves.toEqual({ still: 'here' })
  })

  it('takes the place of a file that a killed bridge left, and of no living one', async () => {
    const path = socketFile()
    const left = createServer()
    await new Promise<void>((resolve) => left.listen(path, resolve))
    await expect(openControl(path, echo, keptLog())).rejects.toThrow('in use by another process')
    await new Promise((resolve) => left.close(resolve))
    writeFileSync(`${path}.x`, '')
    const { server } = await serving(echo, path)
    expect(await (await connected(path)).call('echo', { a: 1 })).toEqual({ a: 1 })
    await server.close()
    expect(existsSync(path)).toBe(false)
  })

  it('ends every call when it closes', async () => {
    const called = watching()
    const { path, server } = await serving({
      wait: () => {
        called.changed()
        return new Promise(() => undefined)
      },
    })
    const client = await connected(path)
    const call = client.call('wait').catch((error: unknown) => error)
    await called.until(() => true)
    await new Promise((resolve) => setImmediate(resolve))
    await server.close()
    expect(await call).toMatchObject({ code: 'not-running' })
    await expect(client.call('wait')).rejects.toMatchObject({ code: 'not-running' })
  })

  it('is nowhere where no bridge runs', async () => {
    expect(await connectControl(socketFile())).toBeUndefined()
  })
})
