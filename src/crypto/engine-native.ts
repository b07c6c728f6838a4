import { reasonOf } from '../core/fault.js'
import type { CryptoEngine } from '../ports.js'
import { engineFlaw } from './engine-check.js'
import { placeFlaw, secp256k1Places } from './find-secp256k1.js'
import { bytesOfHex } from './hex.js'
import { recentKeys } from './recent-keys.js'
import { loadSecp256k1, type ParsedKey, type Secp256k1 } from './secp256k1.js'

/** More authors than a bridge or a small relay hears in one day, at about 300 bytes each. */
const MAX_PARSED_KEYS = 4_096

/** An engine on a library that was loaded. `library` is shown to people. */
const engineOn = (secp: Secp256k1, library: string): CryptoEngine => {
  const known = recentKeys<ParsedKey>(MAX_PARSED_KEYS)
  const parse = (pubkey: string): ParsedKey | undefined => {
    const x = bytesOfHex(pubkey, 32)
    return x && secp.parseKey(x)
  }
  return {
    name: 'native',
    library,
    verify: ({ digest, pubkey, sig }) => {
      const h = bytesOfHex(digest, 32)
      const s = bytesOfHex(sig, 64)
      if (!h || !s) return false
      const before = known.get(pubkey)
      const key = before ?? parse(pubkey)
      if (key === undefined) return false
      const good = secp.verify(s, h, key)
      // Only who signs is remembered: forgeries under made-up keys would push out the keys that are in use.
      if (good && before === undefined) known.add(pubkey, key)
      return good
    },
    sign: secp.sign,
    publicKey: secp.publicKey,
    sharedX: (secret, pubkey) => {
      const x = bytesOfHex(pubkey, 32)
      if (!x) throw new RangeError('not a public key: 64 lowercase hex characters expected')
      return secp.sharedX(secret, x)
    },
  }
}

/** The loader's words for a name that it knows no file for: that is no failure, there are other names. */
const NOT_THERE = /cannot open shared object|no such file|no such image/i

const HOW_TO_GET_IT =
  'libsecp256k1 is not installed (packages: libsecp256k1-1 or -2 on Debian and Ubuntu, libsecp256k1 on Fedora, Arch and ' +
  'Alpine, secp256k1 in Homebrew)'

/**
 * The system's libsecp256k1, the first that loads and passes the self-test. Rejects with one line that says why there is
 * none.
 */
export const nativeEngine = async (places: readonly string[] = secp256k1Places()): Promise<CryptoEngine> => {
  const failures: string[] = []
  for (const place of places) {
    const flaw = placeFlaw(place)
    if (flaw !== undefined) {
      failures.push(flaw)
      continue
    }
    try {
      const engine = engineOn(await loadSecp256k1(place), place)
      const failed = engineFlaw(engine)
      if (failed === undefined) return engine
      failures.push(`${place} failed its self-test: it ${failed}`)
    } catch (error) {
      const reason = reasonOf(error)
      if (place.includes('/') || !NOT_THERE.test(reason)) failures.push(`${place} can't be used: ${reason}`)
    }
  }
  throw new Error(failures.length === 0 ? HOW_TO_GET_IT : failures.join('; '))
}
