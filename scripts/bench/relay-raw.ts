import { readFileSync } from 'node:fs'
import { eventId, proofOf } from '../../src/core/event.js'
import type { NostrEvent } from '../../src/core/types.js'
import { openEngine } from '../../src/crypto/engine.js'
import { nodeHashes } from '../../src/crypto/hashes.js'
import { sayResult } from './relay-workplace.js'

/**
 * What one core can check when it does nothing else: id and signature of the very events that the relays are sent, by the
 * system's libsecp256k1 through koffi. `npm run bench:crypto` shows how near that is to a program in C.
 */
export interface RawTask {
  readonly file: string
}

export const run = async ({ file }: RawTask): Promise<void> => {
  const engine = await openEngine('native')
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const events = lines.map((line) => JSON.parse(line) as NostrEvent)
  const check = (event: NostrEvent): boolean => eventId(event, nodeHashes) === event.id && engine.verify(proofOf(event))
  // The compiler's work is not what is measured; keys are parsed by then, as they are in a relay that runs.
  for (const event of events.slice(0, 2_000)) check(event)
  const cpu = process.cpuUsage()
  const begin = performance.now()
  let good = 0
  for (const event of events) if (check(event)) good++
  const seconds = (performance.now() - begin) / 1000
  const { user, system } = process.cpuUsage(cpu)
  sayResult({
    figures: { perSec: events.length / seconds, serverCpuUs: (user + system) / events.length },
    wrong: good === events.length ? {} : { 'the signature does not hold': events.length - good },
  })
}
