import type { HermPart } from '../../src/cli/two-system/mesh.js'
import type { JsonObject } from '../../src/core/types.js'
import { rawClient } from './kapnetd.js'

/** Asks a Herm's kapnetd, as software on that host does. Rejects with the daemon's own error. */
export const daemon = async (
  herm: Pick<HermPart, 'kapnetdSocket'>,
  method: string,
  params: JsonObject = {},
): Promise<JsonObject> => {
  const client = await rawClient(herm.kapnetdSocket)
  try {
    const { result, error } = await client.call(method, params)
    if (result === undefined) throw new Error(`${method}: ${JSON.stringify(error)}`)
    return result as JsonObject
  } finally {
    client.close()
  }
}

/** Every id it holds, sorted. */
export const daemonIds = async (herm: Pick<HermPart, 'kapnetdSocket'>): Promise<string[]> => {
  const { ids, next } = await daemon(herm, 'braid_ids', { limit: 1_000 })
  if (next !== undefined) throw new Error('more ids than a test is meant to make')
  return (ids as string[]).toSorted()
}
