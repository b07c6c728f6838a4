import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { builtProgram, startChild, type Child } from '../../src/ops/child.js'
import { tempDir } from './mesh-of.js'

export interface RelayProcess {
  readonly url: string
  readonly child: Child
}

/** The bundled relay as it is built, a process of its own, in memory. Whoever starts it stops it. */
export const startRelayProcess = async (...args: string[]): Promise<RelayProcess> => {
  const child = startChild(builtProgram('relay/main.js'), ['--listen', '127.0.0.1:0', '--db', ':memory:', ...args])
  const line = await child.line(/^ready ws:/)
  return { url: line.slice('ready '.length), child }
}

/** A file of keys for --allow-read and its like, gone with the test. */
export const keysFile = (...keys: string[]): string => {
  const file = join(tempDir(), 'keys.txt')
  writeFileSync(file, keys.join('\n'))
  return file
}
