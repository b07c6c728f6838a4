import { fileURLToPath } from 'node:url'
import { startChild, type Child } from '../../src/ops/child.js'

const program = fileURLToPath(new URL('lax-relay.mjs', import.meta.url))

/** A relay that checks nothing, as a process of its own. It does not even filter, unless told to. */
export const startLaxRelay = async (...args: string[]): Promise<{ url: string; child: Child }> => {
  const child = startChild(program, args)
  const ready = await child.line(/^ready ws:/)
  return { url: ready.split(' ')[1] ?? '', child }
}
