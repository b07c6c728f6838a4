import { posix } from 'node:path'

/**
 * The floors of the house (ARCHITECTURE.md). A file may import what lies below it and what lies in its own room; rooms of one
 * floor know each other by the interfaces of ports.ts alone, and bridge.ts wires them.
 */
export const FLOORS = [
  ['core'],
  ['ports'],
  ['crypto', 'pipeline', 'transports', 'local', 'store', 'identity', 'ops', 'kapnetd'],
  ['config'],
  ['bridge'],
  ['index', 'cli'],
] as const

export type Room = (typeof FLOORS)[number][number] | 'relay'

/** Programs of their own know less than their floor would let them. `kapnetd` must not lean on what the bridge leans on. */
const NARROWER: Readonly<Partial<Record<Room, readonly Room[]>>> = {
  kapnetd: ['core'],
  relay: ['core', 'ports', 'crypto'],
}

/** Files of another room that a narrower one may import all the same. */
const SHARED: readonly { readonly from: Room; readonly to: string }[] = [
  // One way to count for all programs; it knows neither of them.
  { from: 'relay', to: 'src/ops/metrics' },
]

/** The room of a file; undefined for one that stands in none, which is a mistake by itself. */
export const roomOf = (path: string): Room | undefined => {
  const [top, second = ''] = path.split('/')
  if (top === 'relay') return 'relay'
  if (top !== 'src') return undefined
  const name = posix.basename(second, posix.extname(second))
  if (name === 'bridge' || name.startsWith('bridge-')) return 'bridge'
  return FLOORS.flat().find((room) => room === name)
}

const floorOf = (room: Room): number => FLOORS.findIndex((rooms) => rooms.some((r) => r === room))

/** Why `from` may not import `to` (both paths from the root of the project); undefined where it may. */
export const objection = (from: string, to: string): string | undefined => {
  const own = roomOf(from)
  const other = roomOf(to)
  if (own === undefined)
    return `${from} stands in no room: give it one, or name its floor in test/unit/guards/floors.ts`
  if (other === undefined) return `${to} stands in no room of the house`
  if (own === other) return undefined
  if (SHARED.some((s) => s.from === own && to.startsWith(s.to))) return undefined
  if (other === 'relay') return 'src does not import the relay: it is a program of its own, started as a process'
  const allowed = NARROWER[own]
  if (allowed !== undefined) {
    return allowed.includes(other) ? undefined : `${own} is a program of its own and imports only ${allowed.join(', ')}`
  }
  const up = floorOf(other) - floorOf(own)
  if (up < 0) return undefined
  return up === 0
    ? `${own} and ${other} are sisters: they meet in ports.ts and are wired by bridge.ts`
    : `${other} lies above ${own}: imports point down`
}
