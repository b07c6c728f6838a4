import type { Config } from '../config.js'
import { keyOf } from '../core/nodeinfo.js'
import type { Pubkey } from '../core/types.js'
import { openKeystore } from '../identity/keystore.js'
import { CliError } from './print.js'

/** The public key of this Herm: needs no passphrase. */
export const ownPubkey = (config: Config): Pubkey => {
  const { npub } = openKeystore(config.identity.keystore).find(config.identity.key)
  const key = keyOf(npub)
  if (key === undefined)
    throw new CliError('bad-keystore', `the keystore holds no npub for ${config.identity.key}`, { exit: 2 })
  return key
}
