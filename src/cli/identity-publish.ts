import { inputOfText } from '../config/input.js'
import { listOf } from '../config/option-lists.js'
import { relayUrlType } from '../config/option-types.js'
import { lineOf, openReport } from '../config/report.js'
import type { RelayUrl } from '../core/types.js'
import { openKeys, passphraseOf, placeOfKeys, type KeyOptions } from './keys.js'
import { CliError, printJson, printLine, printTable, printWarning, usageError } from './print.js'
import { publishIdentities, signIdentities, type NamedRow } from './publish-identities.js'

/** `ksp identity publish`. */

interface PublishOptions extends KeyOptions {
  readonly all?: boolean
  readonly relay?: readonly string[]
  readonly kinds?: readonly string[]
  readonly dryRun?: boolean
  readonly json?: boolean
}

const KINDS = ['0', '10002', '10050', '30078']

/** Relays from the command line, checked as those of ksp.yaml are. */
export const relaysFrom = (words: readonly string[]): readonly RelayUrl[] => {
  const report = openReport()
  const place = { source: '--relay', dir: process.cwd() }
  const relays = listOf(relayUrlType, 32).read(inputOfText(words.join(' '), place), '', report)
  for (const warning of report.warnings) printWarning(lineOf(warning))
  if (report.mistakes.length > 0) throw usageError(report.mistakes.map(lineOf).join('; '))
  return relays ?? []
}

const kindsFrom = (words: readonly string[] | undefined): ReadonlySet<number> | undefined => {
  if (words === undefined) return undefined
  const unknown = words.find((word) => !KINDS.includes(word))
  if (unknown === undefined) return new Set(words.map(Number))
  throw usageError(`--kinds ${JSON.stringify(unknown.slice(0, 20))} is none of ${KINDS.join(', ')}`)
}

export const publish = async (names: readonly string[], options: PublishOptions): Promise<void> => {
  const place = placeOfKeys(options)
  const kinds = kindsFrom(options.kinds)
  const named = options.relay === undefined ? undefined : relaysFrom(options.relay)
  const relays = named ?? place.config?.relays.filter((relay) => relay.write).map((relay) => relay.url) ?? []
  if (relays.length === 0) throw usageError('there is no relay to publish to', 'give --relay wss://relay.example')
  if (options.all === true && names.length > 0) throw usageError('--all and names exclude each other')

  const keystore = openKeys(place.keystore)
  const own = place.config === undefined ? [] : [place.config.identity.key]
  const chosen = options.all === true ? keystore.list().map((entry) => entry.name) : names.length > 0 ? names : own
  if (chosen.length === 0) throw usageError('there is no key to publish', 'name some, or give --all')

  const { config } = place
  const identities = await signIdentities({
    keystore,
    names: [...new Set(chosen)],
    passphrase: () => passphraseOf(options, place, chosen.length === 1 ? (chosen[0] ?? '') : 'the keystore'),
    relays,
    ...(config === undefined ? {} : { config }),
    ...(kinds === undefined ? {} : { kinds }),
  })
  if (options.dryRun === true) {
    for (const { events, signer } of identities) {
      for (const event of events) printJson(event)
      signer.wipe()
    }
    return
  }
  const rows = await publishIdentities(identities, relays, (row) => {
    if (options.json === true) printJson(row)
  })
  if (options.json !== true) printRows(rows)
  const lost = unaccepted(rows)
  if (lost > 0) {
    // With --json the rows have said it already, one by one.
    if (options.json === true) process.exitCode = 1
    else throw new CliError('not-accepted', `${lost} of the events were accepted by no relay`)
  }
}

export const printRows = (rows: readonly NamedRow[]): void => {
  printTable(
    ['key', 'kind', 'relay', 'accepted', 'read back', 'message'],
    rows.map((row) => [
      row.name,
      String(row.kind),
      row.relay,
      row.accepted ? 'yes' : 'no',
      row.readBack ? 'yes' : 'no',
      row.message,
    ]),
  )
  const accepted = rows.filter((row) => row.accepted).length
  const readBack = rows.filter((row) => row.readBack).length
  printLine(`${accepted} of ${rows.length} accepted, ${readBack} read back`)
}

/** Events that no relay at all took: one is enough (delivery.md). */
export const unaccepted = (rows: readonly NamedRow[]): number => {
  const taken = new Set(rows.filter((row) => row.accepted).map((row) => row.id))
  return new Set(rows.filter((row) => !taken.has(row.id)).map((row) => row.id)).size
}
