import type { Command } from 'commander'

/**
 * Every verb, with the one line it has in `ksp --help`. A verb's file is loaded only when it is asked for, so that
 * `ksp --version` and the programs below start at once. Adding a verb: a file that exports `register`, and a row here.
 */
export interface Verb {
  readonly summary: string
  readonly load: () => Promise<{ readonly register: (program: Command) => void }>
}

export const VERBS: Readonly<Record<string, Verb>> = {
  init: { summary: 'make ksp.yaml and a keystore with a new key', load: () => import('./init.js') },
  run: { summary: 'run the bridge in the foreground', load: () => import('./run.js') },
  status: { summary: 'show peers, relays, ports, queues and the braid', load: () => import('./status.js') },
  send: { summary: 'queue a TXXM for a peer, or for whoever serves a name', load: () => import('./send.js') },
  inbox: { summary: 'show what arrived from peers', load: () => import('./inbox.js') },
  peers: { summary: 'list, approve and block other Herms', load: () => import('./peers.js') },
  braid: { summary: 'read, draw, verify and compare the memory', load: () => import('./braid.js') },
  test: { summary: 'prove that two systems work together', load: () => import('./test.js') },
  config: { summary: 'check and show the configuration', load: () => import('./config.js') },
  doctor: { summary: 'check what the bridge needs, and say what to do', load: () => import('./doctor.js') },
  identity: { summary: 'make, list, import, export and publish keys', load: () => import('./identity.js') },
}

/** Programs of their own, which take all their arguments themselves. Named by path: this room imports none of them. */
export interface Program {
  readonly summary: string
  /** Relative to this file, as built. */
  readonly module: string
  /** Its export: takes the arguments, resolves to the exit code. */
  readonly run: string
}

export const PROGRAMS: Readonly<Record<string, Program>> = {
  relay: { summary: 'run the bundled relay alone', module: '../../relay/main.js', run: 'runRelay' },
  kapnetd: { summary: 'run the reference kapnetd', module: '../kapnetd/main.js', run: 'runKapnetd' },
}
