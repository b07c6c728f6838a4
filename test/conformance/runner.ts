import { reasonOf } from '../../src/core/fault.js'
import { advertisedNips, fetchDocument } from './document.js'
import type { RelayDocument } from './document.js'
import { openGround } from './ground.js'
import { Broken, NotApplicable } from './rule.js'
import type { Rule } from './rule.js'
import { openOwnStands } from './stands.js'
import type { OwnRelay } from './stands.js'

export interface RuleResult {
  readonly rule: string
  readonly nip: number | null
  /** The relay must fulfil it: a rule of a NIP that it says it has, and no mere advice. */
  readonly required: boolean
  /** Null: not run, and `detail` says why. */
  readonly pass: boolean | null
  /** What was seen instead; empty where all was well. */
  readonly detail: string
}

export interface RunOptions {
  readonly rules: readonly Rule[]
  /** Absent: relays of our own. */
  readonly url?: string
  /** Run also what the relay does not say it has. */
  readonly all: boolean
  /** Rules at the same time. */
  readonly jobs: number
  readonly ruleMs: number
  readonly answerMs: number
  readonly onResult?: (result: RuleResult) => void
}

const NEEDS_OPERATOR = 'needs its operator to set the relay up'

/** NIPs that stand and fall together. */
const SAME_AS: Readonly<Record<number, number>> = { 17: 59, 59: 17, 98: 86 }

export const isAdvertised = (nip: number | null, document: RelayDocument | undefined): boolean => {
  if (nip === null || nip === 1) return true
  const nips = advertisedNips(document)
  return nips.includes(nip) || nips.includes(SAME_AS[nip] ?? nip)
}

interface Relay {
  readonly url: string
  readonly document: RelayDocument | undefined
  readonly own?: OwnRelay
}

/** In the order of the rules. Rejects where there is no relay to run them against. */
export const runRules = async (options: RunOptions): Promise<RuleResult[]> => {
  const { rules, url, answerMs } = options
  const own = url === undefined ? openOwnStands(answerMs) : undefined
  try {
    const theirs = url === undefined ? undefined : { url, document: await fetchDocument(url, answerMs) }
    if (theirs !== undefined) await reach(theirs, answerMs)
    const open: Relay = theirs ?? (await openOf(own))
    const results: (RuleResult | undefined)[] = rules.map(() => undefined)
    let next = 0
    const work = async (): Promise<void> => {
      for (let at = next++; at < rules.length; at = next++) {
        const rule = rules[at]
        if (rule === undefined) return
        const isOurs = own !== undefined && rule.stand !== 'open'
        const relay = isOurs ? await own.open(rule.stand) : open
        const isTheirs = isAdvertised(rule.nip, relay.document)
        const about = { rule: rule.id, nip: rule.nip, required: rule.must && isTheirs }
        let outcome: Pick<RuleResult, 'pass' | 'detail'>
        if (!isTheirs && !options.all) outcome = { pass: null, detail: 'not advertised' }
        else if (rule.stand !== 'open' && !isOurs) outcome = { pass: null, detail: NEEDS_OPERATOR }
        else outcome = await runOne(rule, relay, options)
        const result = { ...about, ...outcome }
        results[at] = result
        options.onResult?.(result)
      }
    }
    await Promise.all(Array.from({ length: options.jobs }, work))
    return results.filter((result) => result !== undefined)
  } finally {
    await own?.close()
  }
}

const openOf = async (own: ReturnType<typeof openOwnStands> | undefined): Promise<Relay> => {
  if (own === undefined) throw new Error('there is no relay')
  return own.open('open')
}

/** A relay that is not there fails no rule: it is no relay. */
const reach = async (relay: Relay, answerMs: number): Promise<void> => {
  const ground = openGround(relay, answerMs)
  try {
    await ground.connect()
  } finally {
    ground.leave()
  }
}

const runOne = async (
  rule: Rule,
  relay: Relay,
  { ruleMs, answerMs }: RunOptions,
): Promise<Pick<RuleResult, 'pass' | 'detail'>> => {
  const ground = openGround(relay, answerMs)
  let timer: NodeJS.Timeout | undefined
  const tooLong = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Broken(`it was not done within ${ruleMs} ms`)), ruleMs)
  })
  try {
    await Promise.race([rule.check(ground), tooLong])
    return { pass: true, detail: '' }
  } catch (error) {
    if (error instanceof NotApplicable) return { pass: null, detail: error.message }
    // What breaks in a rule itself is told apart: it says nothing of the relay.
    return { pass: false, detail: error instanceof Broken ? error.message : `the rule failed: ${reasonOf(error)}` }
  } finally {
    clearTimeout(timer)
    ground.leave()
  }
}
