import { relayClientContract } from '../contracts/relay-client.js'

relayClientContract('nostr-tools')
