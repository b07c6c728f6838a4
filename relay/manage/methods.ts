import type { Pubkey } from '../../src/core/types.js'
import type { ListName } from '../store/moderation.js'
import type { EventStore } from '../store/store.js'
import { addressParam, hexParam, kindParam, MAX_KIND, reasonParam, textParam } from './params.js'

/** NIP-86, the methods. A new one is a new row. */

export interface Managed {
  readonly store: Pick<EventStore, 'moderation' | 'banKey' | 'banEvent'>
  readonly isAdmin: (key: Pubkey) => boolean
  /** Of the file of --allow-write; undefined where there is none, and everybody may write. */
  readonly fileWriters: (() => Iterable<Pubkey>) | undefined
  /** Ends what is open from an address. */
  readonly cutAddress: (address: string) => void
}

export type Answer = { readonly result: unknown } | { readonly error: string }
type Method = (managed: Managed, params: readonly unknown[]) => Answer

const DONE: Answer = { result: true }
const FULL: Answer = { error: 'the list is full' }
const no = (error: string): Answer => ({ error })

const MAX_NAME_CHARS = 100
const MAX_DESCRIPTION_CHARS = 2_000
const NEEDS_KEY = no('needs a key: 64 lowercase hex, and a reason of at most 200 characters')
const NEEDS_ID = no('needs the id of an event: 64 lowercase hex, and a reason of at most 200 characters')
const NEEDS_KIND = no(`needs a kind from 0 to ${MAX_KIND}`)
const NEEDS_ADDRESS = no('needs an IP address, and a reason of at most 200 characters')

type Act = (managed: Managed, subject: string, reason: string) => Answer

/** A method that takes a subject and maybe a reason. */
const on =
  (read: (value: unknown) => string | undefined, otherwise: Answer, act: Act): Method =>
  (managed, [first, second]) => {
    const subject = read(first)
    const reason = reasonParam(second)
    return subject === undefined || reason === undefined ? otherwise : act(managed, subject, reason)
  }

const kept = (fits: boolean): Answer => (fits ? DONE : FULL)

const listed = (entries: readonly (readonly [string, string])[], as: 'pubkey' | 'id' | 'ip'): Answer => ({
  result: entries.map(([subject, reason]) => ({ [as]: subject, ...(reason === '' ? {} : { reason }) })),
})

const allowKey: Act = ({ store: { moderation }, fileWriters }, key, reason) => {
  if (fileWriters === undefined) return no('this relay takes events of everybody: start it with --allow-write')
  return kept(moderation.put('allowed-key', key, reason))
}

const unallowKey: Act = ({ store: { moderation }, fileWriters }, key) => {
  moderation.drop('allowed-key', key)
  for (const other of fileWriters?.() ?? []) {
    if (other === key) return no('it stands in the file of --allow-write: take it out there, or ban it')
  }
  return DONE
}

const banKey: Act = ({ store, isAdmin }, key, reason) =>
  isAdmin(key as Pubkey)
    ? no('an admin can not be banned: take the key out of the file of --admin')
    : kept(store.banKey(key, reason))

const drop =
  (list: ListName): Act =>
  ({ store: { moderation } }, subject) => {
    moderation.drop(list, subject)
    return DONE
  }

const blockAddress: Act = ({ store: { moderation }, cutAddress }, address, reason) => {
  if (!moderation.put('blocked-address', address, reason)) return FULL
  cutAddress(address)
  return DONE
}

const setting =
  (name: 'name' | 'description', minChars: number, maxChars: number): Method =>
  ({ store: { moderation } }, [value]) => {
    const text = textParam(value, maxChars)
    if (text === undefined || text.length < minChars) return no(`needs a text of ${minChars} to ${maxChars} characters`)
    return kept(moderation.put('setting', name, text))
  }

const allowedKinds = ({ store: { moderation } }: Managed): Answer => ({
  result: Array.from({ length: MAX_KIND + 1 }, (_, kind) => kind).filter(
    (kind) => !moderation.has('refused-kind', String(kind)),
  ),
})

const allowedKeys = ({ store: { moderation }, fileWriters }: Managed): Answer => {
  const keys = new Map<string, string>()
  for (const key of fileWriters?.() ?? []) keys.set(key, 'in the file of --allow-write')
  for (const [key, reason] of moderation.entries('allowed-key')) keys.set(key, reason)
  return listed(
    [...keys].filter(([key]) => !moderation.has('banned-key', key)),
    'pubkey',
  )
}

const METHODS: Readonly<Record<string, Method>> = {
  supportedmethods: () => ({ result: METHOD_NAMES }),
  banpubkey: on(hexParam, NEEDS_KEY, banKey),
  unbanpubkey: on(hexParam, NEEDS_KEY, drop('banned-key')),
  listbannedpubkeys: ({ store: { moderation } }) => listed(moderation.entries('banned-key'), 'pubkey'),
  allowpubkey: on(hexParam, NEEDS_KEY, allowKey),
  unallowpubkey: on(hexParam, NEEDS_KEY, unallowKey),
  listallowedpubkeys: allowedKeys,
  banevent: on(hexParam, NEEDS_ID, ({ store }, id, reason) => kept(store.banEvent(id, reason))),
  allowevent: on(hexParam, NEEDS_ID, drop('banned-event')),
  listbannedevents: ({ store: { moderation } }) => listed(moderation.entries('banned-event'), 'id'),
  changerelayname: setting('name', 1, MAX_NAME_CHARS),
  changerelaydescription: setting('description', 0, MAX_DESCRIPTION_CHARS),
  allowkind: on(kindParam, NEEDS_KIND, drop('refused-kind')),
  disallowkind: on(kindParam, NEEDS_KIND, ({ store: { moderation } }, kind, reason) =>
    kept(moderation.put('refused-kind', kind, reason)),
  ),
  listallowedkinds: allowedKinds,
  blockip: on(addressParam, NEEDS_ADDRESS, blockAddress),
  unblockip: on(addressParam, NEEDS_ADDRESS, drop('blocked-address')),
  listblockedips: ({ store: { moderation } }) => listed(moderation.entries('blocked-address'), 'ip'),
}

export const METHOD_NAMES: readonly string[] = Object.keys(METHODS)

/** Undefined: there is no such method. May throw where the disk fails. */
export const callMethod = (managed: Managed, name: string, params: readonly unknown[]): Answer | undefined =>
  Object.hasOwn(METHODS, name) ? METHODS[name]?.(managed, params) : undefined
