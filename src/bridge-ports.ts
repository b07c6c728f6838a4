import type { Config } from './config.js'
import { Fault } from './core/fault.js'
import type { PortName } from './core/types.js'
import { kapnetdPort } from './local/kapnetd.js'
import type { Accepted, Clock, Intake, LocalPort, Log, Order, Random, Store } from './ports.js'

/** The local ports that a configuration names: what messages are delivered to, and where local orders come from. */
export const portNamesOf = (config: Pick<Config, 'local'>): PortName[] =>
  config.local.kapnetd === undefined ? [] : ['kapnetd']

export interface PortsOptions {
  readonly config: Pick<Config, 'local'>
  readonly store: Pick<Store, 'cursor' | 'setCursor' | 'missing'>
  readonly accept: Intake<Order, Accepted>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export const openPorts = ({ config, store, accept, clock, random, log }: PortsOptions): LocalPort[] => {
  const { kapnetd } = config.local
  if (kapnetd === undefined) return []
  return [
    kapnetdPort({
      socket: kapnetd.socket,
      profile: kapnetd,
      clock,
      random,
      log,
      cursor: () => store.cursor('kapnetd'),
      setCursor: (value) => store.setCursor('kapnetd', value),
      missing: store.missing,
      intake: async (items) => {
        const answers = await accept(
          items.map((item) => ({ kind: 'made', key: `kapnetd:${item.id}`, origin: 'kapnetd', ...item })),
        )
        for (const [i, answer] of answers.entries()) {
          if (answer.ok) continue
          // The daemon's cursor must not pass what we could not store; what can never be sent it may pass.
          if (answer.refusal.code === 'local-unavailable') throw new Fault('store', answer.refusal.message)
          log.warn('kapnetd.order.refused', { id: items[i]?.id, ...answer.refusal })
        }
      },
    }),
  ]
}
