import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { canonical } from '../../../src/core/canonical.js'
import type { JsonObject, JsonValue } from '../../../src/core/types.js'
import { nodeHashes } from '../../../src/kapnetd/hashes.js'
import { createMethods, type Session } from '../../../src/kapnetd/methods.js'
import { answerLine, type Methods } from '../../../src/kapnetd/rpc.js'
import { openStore, type Store } from '../../../src/kapnetd/store.js'

const idOf = (body: JsonValue): string => nodeHashes.sha256Hex(canonical(body))

describe('the methods of the daemon', () => {
  let folder: string
  let store: Store
  let methods: Methods<Session>
  let session: Session
  let published: string[]
  let bugs: unknown[]

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kapnetd-methods-'))
    store = openStore(join(folder, 'braid.sqlite'), nodeHashes)
    session = { subscribed: false }
    published = []
    bugs = []
    const facts = { sessionId: 'herm-a', version: '9.9.9', networkId: 7, mode: 'LOCAL_ONLY' }
    methods = createMethods({ facts, store, hashes: nodeHashes, publish: (line) => published.push(line) })
  })
  afterEach(() => {
    store.close()
    rmSync(folder, { recursive: true })
  })

  const say = async (line: string): Promise<JsonObject | undefined> => {
    const answer = await answerLine(line, methods, session, (_, error) => bugs.push(error))
    return answer === undefined ? undefined : (JSON.parse(answer) as JsonObject)
  }
  const call = (method: string, params: JsonValue = {}): Promise<JsonObject | undefined> =>
    say(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))
  const result = (value: JsonValue): JsonObject => ({ jsonrpc: '2.0', id: 1, result: value })
  const errorCode = async (answer: Promise<JsonObject | undefined>): Promise<JsonValue | undefined> =>
    ((await answer)?.['error'] as JsonObject | undefined)?.['code']

  describe('as JSON-RPC 2.0', () => {
    it.each([
      ['no JSON', 'hello', -32_700],
      ['a key twice', '{"jsonrpc":"2.0","id":1,"id":1,"method":"hello"}', -32_700],
      [
        'too deep',
        `{"jsonrpc":"2.0","id":1,"method":"hello","params":{"client":${'['.repeat(70)}${']'.repeat(70)}}}`,
        -32_700,
      ],
      ['an empty line', '', -32_700],
      ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"hello"}]', -32_600],
      ['no object', '"hello"', -32_600],
      ['an id that is an object', '{"jsonrpc":"2.0","id":{},"method":"hello"}', -32_600],
      ['an id that is very long', `{"jsonrpc":"2.0","id":"${'x'.repeat(101)}","method":"hello"}`, -32_600],
    ])('answers %s with an error that belongs to no request', async (_, line, code) => {
      expect(await say(line)).toMatchObject({ jsonrpc: '2.0', id: null, error: { code } })
    })

    it.each([
      ['another version', '{"jsonrpc":"1.0","id":"a","method":"hello"}', -32_600],
      ['no method', '{"jsonrpc":"2.0","id":"a"}', -32_600],
      ['params that are a list', '{"jsonrpc":"2.0","id":"a","method":"hello","params":[]}', -32_600],
      ['an unknown method', '{"jsonrpc":"2.0","id":"a","method":"toString"}', -32_601],
      ['wrong params', '{"jsonrpc":"2.0","id":"a","method":"get_txxm","params":{}}', -32_602],
    ])('answers %s with an error and the id of the request', async (_, line, code) => {
      expect(await say(line)).toMatchObject({ jsonrpc: '2.0', id: 'a', error: { code } })
    })

    it('does what a notification says and answers nothing', async () => {
      const body = { type: 'signal' }
      expect(await say(JSON.stringify({ jsonrpc: '2.0', method: 'make_txxm', params: { txxm: body } }))).toBeUndefined()
      expect(store.has(idOf(body))).toBe(true)
      expect(await say('{"jsonrpc":"2.0","method":"nothing"}')).toBeUndefined()
    })

    it('answers with an internal error when the disk fails, and says so to the operator', async () => {
      const failing: Store = { ...store, add: () => Promise.reject(new Error('the disk is full')) }
      const facts = { sessionId: 'herm-a', version: '1', networkId: 0, mode: 'LOCAL_ONLY' }
      methods = createMethods({ facts, store: failing, hashes: nodeHashes, publish: () => undefined })
      expect(await call('make_txxm', { txxm: {} })).toMatchObject({ error: { code: -32_603, message: /disk is full/ } })
      expect(bugs).toHaveLength(1)
    })

    it('answers any line without ever throwing', async () => {
      const anyLine = fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.json(),
        fc
          .tuple(fc.jsonValue(), fc.constantFrom(...methods.keys(), '__proto__', ''), fc.jsonValue())
          .map(([id, method, params]) => JSON.stringify({ jsonrpc: '2.0', id, method, params })),
        fc
          .tuple(
            fc.constantFrom(...methods.keys()),
            fc.dictionary(
              fc.constantFrom('txxm_id', 'txxm', 'event', 'ids', 'after', 'limit', 'topics'),
              fc.jsonValue(),
            ),
          )
          .map(([method, params]) => JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })),
      )
      await fc.assert(
        fc.asyncProperty(anyLine, async (line) => {
          const answer = await say(line)
          if (answer !== undefined) expect('result' in answer).not.toBe('error' in answer)
        }),
        { numRuns: 500 },
      )
      expect(bugs).toEqual([])
    })
  })

  it('says who it is', async () => {
    const facts = { session_id: 'herm-a', version: '9.9.9', network_id: 7, mode: 'LOCAL_ONLY' }
    expect(await call('hello', { client: 'ksp-bridge', version: '1' })).toEqual(result(facts))
    expect(await call('hello')).toEqual(result(facts))
    expect(await errorCode(call('hello', { client: 1 }))).toBe(-32_602)
    expect(await errorCode(call('hello', { client: 'x'.repeat(129) }))).toBe(-32_602)
  })

  it('takes a TXXM from a bridge in any form of its JSON, and gives back the canonical one', async () => {
    const body = { b: 1, a: { d: 'é', c: [1, 2] } }
    const id = idOf(body)
    const line = `{"jsonrpc":"2.0","id":1,"method":"submit_txxm","params":{"txxm_id":"${id}","txxm":{ "b":1.0, "a":{"d":"\\u00e9","c":[1,2]} }}}`
    expect(await say(line)).toEqual(result({ status: 'accepted' }))
    expect(await say(line)).toEqual(result({ status: 'duplicate' }))
    expect(await call('get_txxm', { txxm_id: id })).toEqual(result({ txxm: body, origin: 'bridge' }))
    expect(store.get(id)?.body).toBe(canonical(body))
    expect(published).toEqual([])
  })

  it('keeps the event that carried it', async () => {
    const body = { a: 1 }
    const event = { kind: 30_078, content: '{}' }
    await call('submit_txxm', { txxm_id: idOf(body), txxm: body, event })
    expect(await call('get_txxm', { txxm_id: idOf(body) })).toEqual(result({ txxm: body, origin: 'bridge', event }))
  })

  it.each<[string, JsonValue, RegExp]>([
    ['a list', [], /not an object/],
    ['a string', 'x', /not an object/],
    ['null', null, /not an object/],
    ['more than 1 MiB', { payload: 'x'.repeat(1_048_576) }, /bytes, at most 1048576/],
    ['more than 1 MiB of UTF-8', { payload: 'ä'.repeat(600_000) }, /bytes, at most 1048576/],
    ['dependencies that are no list', { dependencies: 1 }, /not a list/],
    ['65 dependencies', { dependencies: Array.from({ length: 65 }, () => ({})) }, /more than 64/],
    ['a dependency without a hash', { dependencies: [{ kind: 'causal-parent' }] }, /hash/],
    ['a dependency of no kind', { dependencies: [{ kind: 'x', hash: 'a'.repeat(64) }] }, /unknown kind/],
  ])('rejects %s, from a bridge as an answer and from this host as an error', async (_, txxm, why) => {
    expect(await call('submit_txxm', { txxm_id: idOf(txxm), txxm })).toMatchObject({
      result: { status: 'rejected', reason: expect.stringMatching(why) as string },
    })
    expect(await call('make_txxm', { txxm })).toMatchObject({
      error: { code: -32_602, message: expect.stringMatching(why) as string },
    })
    expect(store.braid().count).toBe(0)
  })

  it('takes exactly 1 MiB', async () => {
    const empty = canonical({ payload: '' }).length
    const txxm = { payload: 'x'.repeat(1_048_576 - empty) }
    expect(await call('submit_txxm', { txxm_id: idOf(txxm), txxm })).toEqual(result({ status: 'accepted' }))
  })

  it('rejects an id that is not that of the body', async () => {
    const body = { a: 1 }
    for (const wrong of ['f'.repeat(64), idOf(body).toUpperCase(), '']) {
      expect(await call('submit_txxm', { txxm_id: wrong, txxm: body })).toMatchObject({
        result: { status: 'rejected', reason: `txxm_id does not match: it is ${idOf(body)}` },
      })
    }
  })

  it('rejects an event that is over its limit', async () => {
    const body = { a: 1 }
    expect(
      await call('submit_txxm', { txxm_id: idOf(body), txxm: body, event: { content: 'x'.repeat(3_200_000) } }),
    ).toMatchObject({ result: { status: 'rejected' } })
  })

  it('wants the params of submit_txxm to be there', async () => {
    for (const params of [
      {},
      { txxm_id: 'a' },
      { txxm: {} },
      { txxm_id: 1, txxm: {} },
      { txxm_id: 'a', txxm: {}, event: 1 },
    ])
      expect(await errorCode(call('submit_txxm', params))).toBe(-32_602)
  })

  it('tells of what was made on this host once, and not of what a bridge has brought', async () => {
    const body = { z: 1, a: 'ö' }
    const id = idOf(body)
    expect(await call('make_txxm', { txxm: body })).toEqual(result({ txxm_id: id }))
    expect(await call('make_txxm', { txxm: body })).toEqual(result({ txxm_id: id }))
    expect(published.map((line) => JSON.parse(line) as JsonObject)).toEqual([
      { jsonrpc: '2.0', method: 'txxm', params: { txxm_id: id, txxm: body } },
    ])
    expect(await call('get_txxm', { txxm_id: id })).toMatchObject({ result: { origin: 'local' } })
  })

  it('says which ids it does not have', async () => {
    const held = idOf({ a: 1 })
    const other = 'b'.repeat(64)
    await call('make_txxm', { txxm: { a: 1 } })
    expect(await call('has', { ids: [held, other] })).toEqual(result({ missing: [other] }))
    expect(await call('has', { ids: [] })).toEqual(result({ missing: [] }))
    for (const ids of [undefined, 'x', ['x'], Array.from({ length: 1_001 }, () => held)])
      expect(await errorCode(call('has', ids === undefined ? {} : { ids }))).toBe(-32_602)
  })

  it('pages its ids', async () => {
    const ids: string[] = []
    for (let n = 0; n < 5; n++) {
      ids.push(idOf({ n }))
      await call('make_txxm', { txxm: { n } })
    }
    expect(await call('braid_ids')).toEqual(result({ ids }))
    expect(await call('braid_ids', { limit: 2 })).toEqual(result({ ids: ids.slice(0, 2), next: ids[1]! }))
    expect(await call('braid_ids', { limit: 3, after: ids[1]! })).toEqual(result({ ids: ids.slice(2) }))
    expect(await call('braid_ids', { limit: 1e9, after: ids[4]! })).toEqual(result({ ids: [] }))
    expect(await errorCode(call('braid_ids', { after: 'c'.repeat(64) }))).toBe(-32_001)
    for (const params of [{ limit: 0 }, { limit: 1.5 }, { limit: '1' }, { after: 'x' }, { after: 1 }])
      expect(await errorCode(call('braid_ids', params))).toBe(-32_602)
  })

  it('tells its braid', async () => {
    const parent = idOf({ a: 1 })
    const child = { a: 2, dependencies: [{ kind: 'causal-parent', hash: parent }] }
    await call('make_txxm', { txxm: { a: 1 } })
    await call('make_txxm', { txxm: child })
    expect(await call('braid')).toEqual(result({ count: 2, root: store.braid().root, tips: [idOf(child)] }))
  })

  it('takes tips from causal parents only', async () => {
    await call('make_txxm', { txxm: { a: 1 } })
    await call('make_txxm', { txxm: { a: 2, dependencies: [{ kind: 'knot', hash: idOf({ a: 1 }) }] } })
    expect(store.braid().tips).toHaveLength(2)
  })

  it('remembers who has subscribed', async () => {
    expect(await call('subscribe', { topics: ['txxm'] })).toEqual(result({ topics: ['txxm'] }))
    expect(session.subscribed).toBe(true)
    await call('subscribe', { topics: [] })
    expect(session.subscribed).toBe(false)
    for (const params of [{}, { topics: 'txxm' }, { topics: ['knots'] }])
      expect(await errorCode(call('subscribe', params))).toBe(-32_602)
  })
})
