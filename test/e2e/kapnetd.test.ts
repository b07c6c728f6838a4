import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { Child } from '../../src/ops/child.js'
import { startChild } from '../../src/ops/child.js'
import { Fault } from '../../src/core/fault.js'
import { addToLanes, emptyLanes, rootOfLanes } from '../../src/core/roothash.js'
import type { JsonObject, MessageId } from '../../src/core/types.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import { kapnetdPort, type KapnetdPortOptions } from '../../src/local/kapnetd.js'
import { systemClock, systemRandom } from '../../src/ops/system.js'
import type { Message } from '../../src/ports.js'
import { localPortContract } from '../contracts/local-port.js'
import {
  fakeDaemon,
  kapnetdProgram,
  makeFolder,
  messageOf,
  newTxxm,
  rawClient,
  startKapnetd,
} from '../support/kapnetd.js'

const silentLog = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined }

/** A bridge's side with a braid that is a set, and a cursor that is a variable. */
const makeBridge = (socket: string, more: Partial<KapnetdPortOptions> = {}) => {
  const braid = new Set<MessageId>()
  const taken: MessageId[] = []
  const kept: { cursor: string | undefined } = { cursor: undefined }
  const port = kapnetdPort({
    socket,
    clock: systemClock(),
    random: systemRandom,
    log: silentLog,
    backoff: { minMs: 5, maxMs: 50 },
    cursor: () => kept.cursor,
    setCursor: (value) => {
      kept.cursor = value
      return Promise.resolve()
    },
    missing: (ids) => ids.filter((id) => !braid.has(id)),
    intake: (items) => {
      for (const { id } of items) {
        taken.push(id)
        braid.add(id)
      }
      return Promise.resolve()
    },
    ...more,
  })
  return { port, braid, taken, kept }
}

const rootOf = (ids: readonly string[]): string => {
  const lanes = emptyLanes()
  for (const id of ids) addToLanes(lanes, id, nodeHashes)
  return rootOfLanes(lanes, nodeHashes)
}

const allIds = async (socket: string): Promise<string[]> => {
  const client = await rawClient(socket)
  const ids: string[] = []
  let after: string | undefined
  do {
    const { result } = (await client.call('braid_ids', { limit: 100, ...(after === undefined ? {} : { after }) })) as {
      result: JsonObject
    } & JsonObject
    ids.push(...(result['ids'] as string[]))
    after = result['next'] as string | undefined
  } while (after !== undefined)
  client.close()
  return ids
}

localPortContract('kapnetd', async () => {
  const { folder, remove } = await makeFolder()
  const socket = join(folder, 'k.sock')
  let daemon: Child | undefined
  return {
    port: makeBridge(socket).port,
    start: async () => {
      daemon = await startKapnetd(folder)
    },
    kill: async () => {
      await daemon?.stop('SIGKILL')
    },
    holds: async (ids) => {
      const held = new Set(await allIds(socket))
      return ids.filter((id) => held.has(id))
    },
    message: () => messageOf(newTxxm()),
    refused: () => ({ ...messageOf(newTxxm()), id: 'f'.repeat(64) as MessageId }),
    close: async () => {
      await daemon?.stop()
      await remove()
    },
  }
})

describe('kapnetd and the bridge side of its socket', () => {
  let folder: string
  let remove: () => Promise<void>
  let socket: string
  let stop: AbortController
  let ending: (() => unknown)[]

  beforeEach(async () => {
    const made = await makeFolder()
    folder = made.folder
    remove = made.remove
    socket = join(folder, 'k.sock')
    stop = new AbortController()
    ending = []
  })
  afterEach(async () => {
    stop.abort()
    for (const end of ending.reverse()) await end()
    await remove()
  })

  const start = async (): ReturnType<typeof startKapnetd> => {
    const daemon = await startKapnetd(folder)
    ending.push(() => daemon.stop())
    return daemon
  }
  const run = (port: ReturnType<typeof kapnetdPort>): void => {
    const running = port.run(stop.signal)
    ending.push(() => running)
  }

  it('holds everything it has acknowledged when it is killed in the middle of 300 submits', async () => {
    const daemon = await start()
    const { port } = makeBridge(socket)
    run(port)
    await port.whenOpen(stop.signal)
    const messages: Message[] = []
    for (let i = 0; i < 300; i++) {
      const before = messages.at(-1)?.id
      const dependencies = before === undefined ? [] : [{ kind: 'causal-parent', hash: before }]
      messages.push(messageOf(newTxxm({ dependencies })))
    }
    const acked: MessageId[] = []
    await Promise.all(
      messages.map(async (message) => {
        try {
          await port.deliver(message, stop.signal)
        } catch (error) {
          expect(error).toBeInstanceOf(Fault)
          return
        }
        acked.push(message.id)
        if (acked.length === 100) daemon.process.kill('SIGKILL')
      }),
    )
    await daemon.ended
    expect(acked.length).toBeGreaterThanOrEqual(100)

    const again = await start()
    await port.whenOpen(stop.signal)
    const client = await rawClient(again.socket)
    ending.push(() => client.close())
    expect(await client.call('has', { ids: acked })).toMatchObject({ result: { missing: [] } })
    const heldThen = await allIds(socket)
    expect(await client.call('braid')).toMatchObject({ result: { count: heldThen.length, root: rootOf(heldThen) } })

    const answers = await Promise.all(messages.map((message) => port.deliver(message, stop.signal)))
    const wasHeld = new Set(heldThen)
    expect(answers).toEqual(messages.map((message) => (wasHeld.has(message.id) ? 'duplicate' : 'accepted')))
    expect(await client.call('braid')).toMatchObject({
      result: { count: 300, root: rootOf(messages.map((m) => m.id)), tips: [messages.at(-1)!.id] },
    })
  })

  it('hands on what was made on this host exactly once, over restarts of either side and a lost cursor', async () => {
    const daemon = await start()
    const first = makeBridge(socket)
    run(first.port)
    await first.port.whenOpen(stop.signal)
    const made: string[] = []
    const make = async (count: number): Promise<void> => {
      const client = await rawClient(socket)
      for (let i = 0; i < count; i++) {
        const { id, body } = newTxxm()
        expect(await client.call('make_txxm', { txxm: body })).toMatchObject({ result: { txxm_id: id } })
        made.push(id)
      }
      client.close()
    }
    const submitted = messageOf(newTxxm())

    await make(20)
    await first.port.deliver(submitted, stop.signal)
    await vi.waitFor(() => expect(first.taken).toHaveLength(20))
    await daemon.stop('SIGKILL')
    await start()
    await make(20)
    await first.port.whenOpen(stop.signal)
    await vi.waitFor(() => expect(first.taken).toHaveLength(40))
    stop.abort()
    await ending.splice(1, 1)[0]?.()

    // Made while no bridge was there, and then the cursor is lost.
    await make(700)
    stop = new AbortController()
    const second = makeBridge(socket, {
      missing: (ids) => ids.filter((id) => !first.braid.has(id)),
      intake: (items) => {
        for (const { id } of items) {
          first.taken.push(id)
          first.braid.add(id)
        }
        return Promise.resolve()
      },
    })
    run(second.port)
    await vi.waitFor(() => expect(second.kept.cursor).toBe(made.at(-1)))
    expect(first.taken).toEqual(made)
    expect(first.braid.has(submitted.id)).toBe(false)
  })

  it('starts again from the beginning when the daemon does not know its cursor, and repeats nothing', async () => {
    await start()
    const bridge = makeBridge(socket)
    bridge.kept.cursor = 'e'.repeat(64)
    const { body, id } = newTxxm()
    const known = newTxxm()
    bridge.braid.add(known.id)
    const client = await rawClient(socket)
    await client.call('make_txxm', { txxm: known.body })
    await client.call('make_txxm', { txxm: body })
    client.close()
    run(bridge.port)
    await vi.waitFor(() => expect(bridge.kept.cursor).toBe(id))
    expect(bridge.taken).toEqual([id])
  })

  it('moves its cursor only after the intake has resolved, and asks again when that failed', async () => {
    await start()
    const { body, id } = newTxxm()
    const client = await rawClient(socket)
    await client.call('make_txxm', { txxm: body })
    client.close()
    let tries = 0
    const cursors: (string | undefined)[] = []
    const bridge = makeBridge(socket, {
      intake: () => {
        cursors.push(bridge.kept.cursor)
        return ++tries < 3 ? Promise.reject(new Fault('store', 'the disk is full')) : Promise.resolve()
      },
    })
    run(bridge.port)
    await vi.waitFor(() => expect(bridge.kept.cursor).toBe(id))
    expect(cursors).toEqual([undefined, undefined, undefined])
  })

  it('does not hide a bug of the intake', async () => {
    await start()
    const client = await rawClient(socket)
    await client.call('make_txxm', { txxm: newTxxm().body })
    client.close()
    const { port } = makeBridge(socket, { intake: () => Promise.reject(new TypeError('a bug')) })
    await expect(port.run(stop.signal)).rejects.toThrow(TypeError)
  })

  it('speaks to a daemon with other names when they are mapped', async () => {
    const seen: JsonObject[] = []
    const fake = await fakeDaemon(socket, (line, peer) => {
      seen.push(line)
      const result = { 'kap.hello': { sid: 'x' }, 'kap.ids': { list: [] }, 'kap.put': { state: 'accepted' } }[
        line['method'] as string
      ]
      peer.write(JSON.stringify({ jsonrpc: '2.0', id: line['id'], result: result ?? {} }) + '\n')
    })
    ending.push(fake.close)
    const { port } = makeBridge(socket, {
      profile: {
        methods: { hello: 'kap.hello', braidIds: 'kap.ids', submit: 'kap.put' },
        fields: { sessionId: 'sid', ids: 'list', status: 'state', txxmId: 'oid' },
      },
    })
    run(port)
    await port.whenOpen(stop.signal)
    const message = messageOf(newTxxm())
    expect(await port.deliver(message, stop.signal)).toBe('accepted')
    expect(port.status().peer).toEqual({ session_id: 'x' })
    const put = seen.find((line) => line['method'] === 'kap.put')
    expect(put).toMatchObject({ params: { oid: message.id, txxm: JSON.parse(message.body) as JsonObject } })
  })

  const answerWell = (line: JsonObject): string => {
    const result = { hello: { session_id: 'fake' }, braid_ids: { ids: [] } }[line['method'] as string] ?? {}
    return JSON.stringify({ jsonrpc: '2.0', id: line['id'], result }) + '\n'
  }
  const accepted = (line: JsonObject): string =>
    JSON.stringify({ jsonrpc: '2.0', id: line['id'], result: { status: 'accepted' } }) + '\n'

  const idOf = (line: JsonObject): string => JSON.stringify(line['id'])

  const misbehaviours: Record<string, (line: JsonObject) => string | Uint8Array> = {
    'speaks no JSON': (line) => 'what?\n' + accepted(line),
    'speaks no UTF-8': (line) => Buffer.concat([Buffer.from([0xff, 0xfe, 0x0a]), Buffer.from(accepted(line))]),
    'sends an over-long line': (line) => 'x'.repeat(70_000) + '\n' + accepted(line),
    'sends a line without an end': () => 'x'.repeat(70_000),
    'answers a request that is not open': (line) => accepted({ id: 4_711 }) + accepted(line),
    'answers with an id that is no number': (line) => accepted({ id: 'a' }) + accepted(line),
    'answers without jsonrpc': (line) => `{"id":${idOf(line)},"result":{"status":"accepted"}}\n` + accepted(line),
    'answers with a result and an error': (line) =>
      `{"jsonrpc":"2.0","id":${idOf(line)},"result":{"status":"accepted"},"error":{"code":1,"message":"x"}}\n`,
    'asks us something': (line) => '{"jsonrpc":"2.0","id":1,"method":"hello","params":{}}\n' + accepted(line),
    'answers with a status that does not exist': (line) =>
      `{"jsonrpc":"2.0","id":${idOf(line)},"result":{"status":"maybe"}}\n`,
    'answers with a list': (line) => `[{"jsonrpc":"2.0","id":${idOf(line)},"result":{}}]\n` + accepted(line),
    'says a key twice': (line) => `{"jsonrpc":"2.0","id":${idOf(line)},"id":1,"result":{}}\n` + accepted(line),
  }
  for (const [what, misbehave] of Object.entries(misbehaviours)) {
    it(`disconnects a daemon that ${what}, does not obey it, and tries again`, async () => {
      const fake = await fakeDaemon(socket, (line, peer) => {
        peer.write(line['method'] === 'submit_txxm' ? misbehave(line) : answerWell(line))
      })
      ending.push(fake.close)
      const { port } = makeBridge(socket, { limits: { maxLineBytes: 65_536 } })
      run(port)
      await port.whenOpen(stop.signal)
      await expect(port.deliver(messageOf(newTxxm()), stop.signal)).rejects.toBeInstanceOf(Fault)
      await fake.connected(2)
    })
  }

  it('disconnects a daemon that pages in circles', async () => {
    const id = 'd'.repeat(64)
    const fake = await fakeDaemon(socket, (line, peer) => {
      if (line['method'] !== 'braid_ids') peer.write(answerWell(line))
      else peer.write(JSON.stringify({ jsonrpc: '2.0', id: line['id'], result: { ids: [id], next: id } }) + '\n')
    })
    ending.push(fake.close)
    const bridge = makeBridge(socket)
    bridge.braid.add(id as MessageId)
    run(bridge.port)
    await fake.connected(2)
    expect(bridge.taken).toEqual([])
  })

  it('times out a daemon that is silent', async () => {
    const fake = await fakeDaemon(socket, (line, peer) => {
      if (line['method'] !== 'submit_txxm') peer.write(answerWell(line))
    })
    ending.push(fake.close)
    const { port } = makeBridge(socket, { limits: { timeoutMs: 40 } })
    run(port)
    await port.whenOpen(stop.signal)
    await expect(port.deliver(messageOf(newTxxm()), stop.signal)).rejects.toThrow(/silent for 40 ms/)
    await fake.connected(2)
  })

  it('times out one request that is not answered, while the daemon answers others, and stays connected', async () => {
    const unanswered = messageOf(newTxxm())
    const fake = await fakeDaemon(socket, (line, peer) => {
      const { txxm_id: id } = line['params'] as JsonObject
      if (line['method'] !== 'submit_txxm') peer.write(answerWell(line))
      else if (id !== unanswered.id) peer.write(accepted(line))
    })
    ending.push(fake.close)
    const { port } = makeBridge(socket, { limits: { timeoutMs: 400 } })
    run(port)
    await port.whenOpen(stop.signal)
    const lost: { error?: unknown } = {}
    const waiting = port.deliver(unanswered, stop.signal).catch((error: unknown) => {
      lost.error = error
    })
    while (lost.error === undefined) expect(await port.deliver(messageOf(newTxxm()), stop.signal)).toBe('accepted')
    await waiting
    expect(lost.error).toEqual(new Fault('kapnetd', 'no answer within 400 ms'))
    expect(fake.connections()).toBe(1)
    expect(port.status().state).toBe('open')
  })

  it('has at most 64 requests at the daemon', async () => {
    let open = 0
    let most = 0
    const fake = await fakeDaemon(socket, (line, peer) => {
      if (line['method'] !== 'submit_txxm') {
        peer.write(answerWell(line))
        return
      }
      most = Math.max(most, ++open)
      setImmediate(() => {
        open--
        peer.write(accepted(line))
      })
    })
    ending.push(fake.close)
    const { port } = makeBridge(socket)
    run(port)
    await port.whenOpen(stop.signal)
    await Promise.all(Array.from({ length: 500 }, () => port.deliver(messageOf(newTxxm()), stop.signal)))
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(64)
  })

  it('takes any bytes from a client without harm to another', async () => {
    const daemon = await start()
    const other = await rawClient(socket)
    ending.push(() => other.close())
    const { id, body } = newTxxm()
    const well = JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'submit_txxm', params: { txxm_id: id, txxm: body } })
    const method = fc.constantFrom(
      'hello',
      'submit_txxm',
      'make_txxm',
      'get_txxm',
      'has',
      'braid_ids',
      'subscribe',
      '__proto__',
    )
    const params = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(
        fc.constantFrom('txxm_id', 'txxm', 'event', 'ids', 'after', 'limit', 'topics', 'client'),
        fc.jsonValue(),
      ),
    )
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc.string({ unit: 'binary' }).map((text) => Buffer.from(text + '\n')),
      fc.json().map((text) => Buffer.from(text + '\n')),
      fc
        .tuple(method, params, fc.jsonValue())
        .map(([m, p, requestId]) =>
          Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: requestId, method: m, params: p }) + '\n'),
        ),
      fc
        .tuple(fc.nat({ max: well.length - 1 }), fc.string({ maxLength: 3 }))
        .map(([at, text]) => Buffer.from(well.slice(0, at) + text + well.slice(at + 1) + '\n')),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const hostile = await rawClient(socket)
        hostile.socket.resume()
        for (const bytes of pieces) hostile.write(bytes)
        hostile.socket.end()
        await hostile.closed
        expect(await other.call('hello')).toMatchObject({ result: { session_id: 'herm-test' } })
      }),
      { numRuns: 200 },
    )
    expect(daemon.process.exitCode).toBeNull()
    const ids = await allIds(socket)
    expect(await other.call('braid')).toMatchObject({ result: { count: ids.length, root: rootOf(ids) } })
  })

  it('cuts off a client whose line is over 8 MiB, and serves the others', async () => {
    await start()
    const other = await rawClient(socket)
    const long = await rawClient(socket)
    ending.push(() => other.close())
    const mebibyte = 'x'.repeat(1_048_576)
    for (let i = 0; i < 9; i++) long.write(mebibyte)
    expect(JSON.parse(await long.line())).toMatchObject({ id: null, error: { code: -32_600 } })
    await long.closed
    expect(await other.call('hello')).toHaveProperty('result')
  })

  it('cuts off a subscriber that does not read, and serves the others', async () => {
    const daemon = await start()
    const deaf = await rawClient(socket)
    await deaf.call('subscribe', { topics: ['txxm'] })
    deaf.socket.pause()
    const maker = await rawClient(socket)
    ending.push(() => maker.close())
    const filler = 'x'.repeat(1_000_000)
    for (let i = 0; i < 60 && daemon.err.length === 0; i++)
      expect(await maker.call('make_txxm', { txxm: newTxxm({ filler }).body })).toHaveProperty('result')
    await vi.waitFor(() => expect(daemon.err.join()).toMatch(/does not read/))
    deaf.socket.resume()
    await deaf.closed
    expect(await maker.call('hello')).toHaveProperty('result')
  })

  it('turns the 65th client away and says why', async () => {
    await start()
    const clients = await Promise.all(Array.from({ length: 64 }, () => rawClient(socket)))
    await Promise.all(clients.map((client) => client.call('hello')))
    const last = await rawClient(socket)
    expect(JSON.parse(await last.line())).toMatchObject({ error: { message: '64 clients are connected already' } })
    await last.closed
    expect(await clients[0]!.call('hello')).toHaveProperty('result')
    for (const client of clients) client.close()
  })

  it('closes its connections on SIGTERM, removes its socket and exits with 0', async () => {
    const daemon = await start()
    const client = await rawClient(socket)
    await client.call('hello')
    expect(await daemon.stop('SIGTERM')).toEqual({ code: 0, signal: null })
    await client.closed
    await expect(rawClient(socket)).rejects.toThrow(/ENOENT/)
  })

  it('refuses to start beside another on the same file or the same socket, and harms neither', async () => {
    await start()
    const sameFile = startChild(kapnetdProgram, [
      '--socket',
      join(folder, 'x.sock'),
      '--db',
      join(folder, 'k.sqlite'),
      '--session',
      'b',
    ])
    expect(await sameFile.ended).toMatchObject({ code: 1 })
    expect(sameFile.err).toEqual([expect.stringMatching(/in use by another kapnetd: stop it/)])
    const sameSocket = startChild(kapnetdProgram, [
      '--socket',
      socket,
      '--db',
      join(folder, 'x.sqlite'),
      '--session',
      'b',
    ])
    expect(await sameSocket.ended).toMatchObject({ code: 1 })
    expect(sameSocket.err).toEqual([expect.stringMatching(/another kapnetd answers on .*: stop it/)])
    const client = await rawClient(socket)
    expect(await client.call('hello')).toMatchObject({ result: { session_id: 'herm-test', mode: 'LOCAL_ONLY' } })
    client.close()
  })

  it('can be called from the command line', async () => {
    await start()
    const { id, body } = newTxxm()
    const made = startChild(kapnetdProgram, ['call', '--socket', socket, 'make_txxm', JSON.stringify({ txxm: body })])
    expect(await made.ended).toMatchObject({ code: 0 })
    expect(made.out.map((line) => JSON.parse(line) as unknown)).toEqual([{ txxm_id: id }])
    const wrong = startChild(kapnetdProgram, ['call', '--socket', socket, 'get_txxm', '{"txxm_id":1}'])
    expect(await wrong.ended).toMatchObject({ code: 1 })
    expect(wrong.err).toEqual([expect.stringMatching(/txxm_id is 64 lowercase hex/)])
    const usage = startChild(kapnetdProgram, ['call', 'braid'])
    expect(await usage.ended).toMatchObject({ code: 2 })
    expect(usage.err).toEqual([expect.stringMatching(/--socket PATH is missing/)])
  })
})
