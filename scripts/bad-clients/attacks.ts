import type { Attack } from './bad-client.js'
import { ASK_ATTACKS } from './attacks-asks.js'
import { MESSAGE_ATTACKS } from './attacks-messages.js'
import { WIRE_ATTACKS } from './attacks-wire.js'

/** Everything that a bad client tries here, by name. */
export const ATTACKS: Readonly<Record<string, Attack>> = { ...MESSAGE_ATTACKS, ...ASK_ATTACKS, ...WIRE_ATTACKS }
