import { Fault, reasonOf } from '../core/fault.js'
import type { CryptoEngine } from '../ports.js'
import { engineFlaw } from './engine-check.js'
import { jsEngine } from './engine-js.js'
import { wasmEngine } from './engine-wasm.js'

const open = async (name: 'wasm' | 'js'): Promise<CryptoEngine> => {
  let engine: CryptoEngine
  try {
    engine = name === 'wasm' ? await wasmEngine() : jsEngine
  } catch (error) {
    throw new Fault('crypto', `the ${name} engine can't be loaded: ${reasonOf(error)}`, { cause: error })
  }
  const flaw = engineFlaw(engine)
  if (flaw !== undefined) throw new Fault('crypto', `the ${name} engine failed its self-test: it ${flaw}`)
  return engine
}

/**
 * The fastest engine that works here: WASM, else pure JavaScript. `force` takes that one or none. Rejects with a
 * Fault('crypto') when no engine passes its self-test: a program that can't tell a forgery must not start.
 */
export const openEngine = async (force?: 'wasm' | 'js'): Promise<CryptoEngine> => {
  if (force !== undefined) return open(force)
  try {
    return await open('wasm')
  } catch {
    // Which engine is in use is seen by its name; the slower one is as right as the fast one.
    return open('js')
  }
}
