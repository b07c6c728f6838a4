import { join } from 'node:path'

/**
 * The words of the kapnetd socket (kapnetd-ipc.md). The real daemon's are not public: whoever runs another one maps its
 * names here, in `local.kapnetd.profile` of the config, and no code changes.
 */

export const KAPNETD_METHODS = {
  hello: 'hello',
  submit: 'submit_txxm',
  get: 'get_txxm',
  braidIds: 'braid_ids',
  subscribe: 'subscribe',
  /** The notification of a TXXM made on this host. */
  made: 'txxm',
} as const

export const KAPNETD_FIELDS = {
  client: 'client',
  version: 'version',
  sessionId: 'session_id',
  networkId: 'network_id',
  mode: 'mode',
  txxmId: 'txxm_id',
  txxm: 'txxm',
  event: 'event',
  status: 'status',
  reason: 'reason',
  origin: 'origin',
  ids: 'ids',
  after: 'after',
  limit: 'limit',
  next: 'next',
  topics: 'topics',
} as const

export type KapnetdMethod = keyof typeof KAPNETD_METHODS
export type KapnetdField = keyof typeof KAPNETD_FIELDS

export interface KapnetdProfile {
  readonly methods: Readonly<Record<KapnetdMethod, string>>
  readonly fields: Readonly<Record<KapnetdField, string>>
}

/** What a config gives: only the names that differ. */
export interface KapnetdNames {
  readonly methods?: Partial<Record<KapnetdMethod, string>>
  readonly fields?: Partial<Record<KapnetdField, string>>
}

export const kapnetdProfile = (names: KapnetdNames = {}): KapnetdProfile => ({
  methods: { ...KAPNETD_METHODS, ...names.methods },
  fields: { ...KAPNETD_FIELDS, ...names.fields },
})

/** Fields that stand side by side in one object must differ. */
const TOGETHER: readonly (readonly KapnetdField[])[] = [
  ['client', 'version'],
  ['sessionId', 'version', 'networkId', 'mode'],
  ['txxmId', 'txxm', 'event'],
  ['txxm', 'origin'],
  ['status', 'reason'],
  ['after', 'limit'],
  ['ids', 'next'],
]

const NAME = /^[A-Za-z0-9_.:/-]{1,64}$/

/** Everything that is wrong with a mapping, one line each, for the config to report together. */
export const kapnetdNameMistakes = (names: KapnetdNames): string[] => {
  const mistakes: string[] = []
  for (const [section, known] of [
    ['methods', KAPNETD_METHODS],
    ['fields', KAPNETD_FIELDS],
  ] as const) {
    for (const [key, name] of Object.entries(names[section] ?? {})) {
      if (!Object.hasOwn(known, key)) mistakes.push(`${section}.${key}: one of ${Object.keys(known).join(', ')}`)
      else if (typeof name !== 'string' || !NAME.test(name))
        mistakes.push(`${section}.${key}: 1-64 letters, digits or _ . : / -`)
    }
  }
  const { methods, fields } = kapnetdProfile(names)
  const called = (['hello', 'submit', 'get', 'braidIds', 'subscribe'] as const).map((method) => methods[method])
  if (new Set(called).size < called.length) mistakes.push('methods: two of them have the same name')
  for (const group of TOGETHER) {
    if (new Set(group.map((field) => fields[field])).size < group.length)
      mistakes.push(`fields: ${group.join(', ')} stand in one object and must differ`)
  }
  return mistakes
}

/** `$XDG_RUNTIME_DIR/kapnetd/<session_id>.sock` */
export const defaultKapnetdSocket = (runtimeDir: string, sessionId: string): string =>
  join(runtimeDir, 'kapnetd', `${sessionId}.sock`)
