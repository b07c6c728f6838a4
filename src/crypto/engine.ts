import { Fault, reasonOf } from '../core/fault.js'
import type { CryptoEngine } from '../ports.js'
import { engineFlaw } from './engine-check.js'
import { jsEngine } from './engine-js.js'
import { nativeEngine } from './engine-native.js'
import { wasmEngine } from './engine-wasm.js'

export type EngineName = CryptoEngine['name']
/** `auto`: the fastest that works here. */
export type EngineChoice = EngineName | 'auto'

export const ENGINE_CHOICES = ['auto', 'native', 'wasm', 'js'] as const satisfies readonly EngineChoice[]

/** Fastest first. */
const NAMES = ['native', 'wasm', 'js'] as const satisfies readonly EngineName[]
const MAX_REASON_CHARS = 500

/** Where else to look than in the system's own places; for tests. */
export interface EnginePlaces {
  readonly secp256k1?: readonly string[]
}

/**
 * The fastest engine that works here: the system's libsecp256k1, else WASM, else pure JavaScript; `reason` tells why no
 * faster one does. Any other choice takes that one or none. Rejects with a Fault('crypto') when no engine passes its
 * self-test: a program that can't tell a forgery must not start.
 */
export const openEngine = async (choice: EngineChoice = 'auto', places: EnginePlaces = {}): Promise<CryptoEngine> => {
  if (choice !== 'auto') {
    const engine = await open(choice, places)
    return choice === 'native' ? engine : { ...engine, reason: `${choice} was asked for` }
  }
  const reasons: string[] = []
  for (const name of NAMES) {
    try {
      const engine = await open(name, places)
      return reasons.length === 0 ? engine : { ...engine, reason: reasons.join('; ') }
    } catch (error) {
      reasons.push(reasonOf(error))
    }
  }
  throw new Fault('crypto', `no engine for signatures works here: ${reasons.join('; ')}`)
}

/** What a log says of it. */
export const engineFields = (engine: CryptoEngine): Record<string, string> => ({
  engine: engine.name,
  ...(engine.library === undefined ? {} : { library: engine.library }),
  ...(engine.reason === undefined ? {} : { reason: engine.reason }),
})

const open = async (name: EngineName, places: EnginePlaces): Promise<CryptoEngine> => {
  let engine: CryptoEngine
  try {
    engine = await LOADERS[name](places)
  } catch (error) {
    const reason = reasonOf(error).slice(0, MAX_REASON_CHARS)
    throw new Fault('crypto', `the ${name} engine can't be used: ${reason}`, { cause: error })
  }
  const flaw = engineFlaw(engine)
  if (flaw !== undefined) throw new Fault('crypto', `the ${name} engine failed its self-test: it ${flaw}`)
  return engine
}

const LOADERS: Readonly<Record<EngineName, (places: EnginePlaces) => CryptoEngine | Promise<CryptoEngine>>> = {
  native: ({ secp256k1 }) => nativeEngine(secp256k1),
  wasm: wasmEngine,
  js: () => jsEngine,
}
