import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { RelayPart } from '../../src/cli/two-system/mesh.js'
import type { RelayUrl } from '../../src/core/types.js'
import { startChild, type Child } from '../../src/ops/child.js'

const program = fileURLToPath(new URL('npm-relay.mjs', import.meta.url))

/** A relay of the npm packages @nostr-relay/*, on the same port and file after every restart; ended with the test. */
export const npmRelayIn = async (dir: string): Promise<RelayPart> => {
  let listen = '127.0.0.1:0'
  let child: Child | undefined
  const start = async (): Promise<string> => {
    child = startChild(program, ['--listen', listen, '--db', join(dir, 'npm-relay.sqlite')])
    return (await child.line(/^ready ws:/)).split(' ')[1] ?? ''
  }
  const stop = async (signal?: NodeJS.Signals): Promise<void> => {
    await child?.stop(signal)
  }
  const url = await start()
  listen = new URL(url).host
  onTestFinished(() => stop())
  return {
    name: 'npm relay',
    url: url as RelayUrl,
    get child() {
      return child
    },
    start: () => start().then(() => undefined),
    stop,
  }
}
