import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { framesOut } from '../../../relay/server/frames-out.js'

const TEXTS = [
  '',
  'a',
  'é漢🜁'.repeat(3),
  'b'.repeat(125),
  'c'.repeat(126),
  'é'.repeat(63),
  'd'.repeat(65_535),
  'e'.repeat(65_536),
  '漢'.repeat(30_000),
  'f'.repeat(300_000),
]

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('framesOut', () => {
  it('writes frames that a client reads as they were said, whatever their length', async () => {
    const http = createServer()
    const server = new WebSocketServer({ server: http })
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    server.on('connection', (socket, request) => {
      const out = framesOut(
        () => true,
        (block) => void request.socket.write(block),
      )
      for (const text of TEXTS) out.add(text)
      out.flush()
      socket.close()
    })
    const got: string[] = []
    const client = new WebSocket(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`)
    client.on('message', (data: Buffer) => void got.push(data.toString()))

    const [code] = (await once(client, 'close')) as [number]

    expect(got).toEqual(TEXTS)
    expect(code).toBe(1005)
    server.close()
    http.close()
  })

  it('writes what is said in one turn as one block, also by promises of that turn', async () => {
    const blocks: Buffer[] = []
    const out = framesOut(
      () => true,
      (block) => void blocks.push(block),
    )

    out.add('one')
    await Promise.resolve()
    out.add('two')
    expect(blocks).toEqual([])
    expect(out.waitingBytes).toBe(2 * (2 + 3))
    await turn()
    out.add('three')
    await turn()

    expect(blocks.map((block) => block.toString('latin1'))).toEqual(['\x81\x03one\x81\x03two', '\x81\x05three'])
    expect(out.waitingBytes).toBe(0)
  })

  it('gathers no more than a block', () => {
    const sizes: number[] = []
    const out = framesOut(
      () => true,
      (block) => void sizes.push(block.length),
    )

    for (let i = 0; i < 1_000; i++) out.add('x'.repeat(1_000))

    expect(sizes.length).toBeGreaterThan(10)
    expect(Math.max(...sizes)).toBeLessThan(70_000)
    expect(out.waitingBytes).toBeLessThan(70_000)
  })

  it('writes nothing to a socket that closed meanwhile', async () => {
    let open = true
    const blocks: Buffer[] = []
    const out = framesOut(
      () => open,
      (block) => void blocks.push(block),
    )

    out.add('one')
    open = false
    await turn()

    expect(blocks).toEqual([])
    expect(out.waitingBytes).toBe(0)
  })
})
