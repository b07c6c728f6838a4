import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { RelayUrl } from '../../src/core/types.js'
import { builtProgram, startChild, type Child } from '../../src/ops/child.js'
import { transportContract, type RelayUnderTest } from '../contracts/transport.js'

/** A relay program as a process of its own, killed with SIGKILL, and started again on the same port with the same file. */
const relayProcess = async (
  start: (listen: string, db: string) => Child,
): Promise<RelayUnderTest & { close(): Promise<void> }> => {
  const folder = await mkdtemp(join(tmpdir(), 'ksp-transport-'))
  const db = join(folder, 'relay.sqlite')
  let child: Child | undefined
  let url = ''
  const listen = async (where: string): Promise<void> => {
    child = start(where, db)
    url = (await child.line(/^ready ws:/)).slice('ready '.length).replace(/\/$/, '')
  }
  await listen('127.0.0.1:0')
  const kill = async (): Promise<void> => {
    await child?.stop('SIGKILL')
  }
  return {
    url: url as RelayUrl,
    start: () => listen(new URL(url).host),
    kill,
    close: async () => {
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

transportContract('the bundled relay', () =>
  relayProcess((listen, db) => startChild(builtProgram('relay/main.js'), ['--listen', listen, '--db', db])),
)

transportContract('a relay that is none of ours', () =>
  relayProcess((listen, db) =>
    startChild(fileURLToPath(new URL('../support/npm-relay.mjs', import.meta.url)), ['--listen', listen, '--db', db]),
  ),
)
