import { ATTACKS } from './bad-clients/attacks.js'
import { printJson, printNote } from '../src/cli/print.js'

/**
 * One attack on a relay, as a process of its own, so that the one who measures is not slowed by the one who attacks:
 *
 *   node dist/scripts/bad-client.js ws://127.0.0.1:7447 garbage
 *
 * Prints what came of it as one line of JSON.
 */
const [url = '', name = ''] = process.argv.slice(2)
const attack = Object.hasOwn(ATTACKS, name) ? ATTACKS[name] : undefined
if (attack === undefined) {
  printNote(`usage: bad-client.js URL ATTACK; attacks: ${Object.keys(ATTACKS).join(', ')}`)
  process.exitCode = 2
} else {
  printJson(await attack(url))
  process.exit()
}
