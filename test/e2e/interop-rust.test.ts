import { relayClientContract } from '../contracts/relay-client.js'

relayClientContract('rust')
