import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Gives freed memory back to the system now. Opening the keystore takes 64 MiB for the passphrase's hash (NIP-49), and V8
 * would keep them until its own heap grows, which in a bridge that idles is never.
 */
export const giveMemoryBack = (): void => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as unknown
  if (typeof collect === 'function') (collect as () => void)()
}
