import { DELETION, VANISH } from '../events/kind-class.js'

/** How long events are kept: by kind, by age and by number. Without a rule: for ever. */
export interface RetentionRule {
  /** Kinds, both included. */
  readonly from: number
  readonly to: number
  /** By created_at. Absent: of any age. */
  readonly maxAgeSec?: number
  /** Of each kind, the newest. Absent: any number. */
  readonly maxCount?: number
}

/** The narrowest range that holds a kind decides about it, and nothing else does. */
export type RetentionRules = readonly RetentionRule[]

export const MAX_RETENTION_RULES = 64
const MAX_KIND = 65_535
const MAX_COUNT = 1_000_000_000
const UNIT_SEC: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800, y: 31_536_000 }
const FORM = /^(?:(\*)|(\d{1,5})(?:-(\d{1,5}))?)=(?:forever|(\d{1,9})([smhdwy]))(?:,(\d{1,10}))?$/

/** `1=90d`, `1000-9999=7d`, `30078=forever,10000`, `*=1y`. A text: why it is no rule, in one line. */
export const parseRetentionRule = (text: string): RetentionRule | string => {
  const parts = FORM.exec(text)
  if (parts === null) return 'is not KIND[-KIND]=AGE[,COUNT], such as 1=90d or 1000-9999=7d,5000 or *=forever,100000'
  const [, all, first, last, age, unit, count] = parts
  const from = all === undefined ? Number(first) : 0
  const to = all === undefined ? Number(last ?? first) : MAX_KIND
  if (to > MAX_KIND || from > to) return `names kinds that are none: they go from 0 to ${MAX_KIND}, the lower one first`
  if (from === to && isKeptForEver(from)) return 'is about deletions or requests to vanish, which are kept for ever'
  const maxAgeSec = age === undefined ? undefined : Number(age) * (UNIT_SEC[unit ?? ''] ?? NaN)
  const maxCount = count === undefined ? undefined : Number(count)
  if (maxAgeSec === 0) return 'keeps nothing: refuse such events with an allowlist instead'
  if (maxCount !== undefined && (maxCount === 0 || maxCount > MAX_COUNT)) return `needs a count from 1 to ${MAX_COUNT}`
  return {
    ...{ from, to },
    ...(maxAgeSec === undefined ? {} : { maxAgeSec }),
    ...(maxCount === undefined ? {} : { maxCount }),
  }
}

/** All of them, or why they don't go together. */
export const parseRetention = (texts: readonly string[]): RetentionRules | string => {
  if (texts.length > MAX_RETENTION_RULES) return `at most ${MAX_RETENTION_RULES} rules`
  const rules: RetentionRule[] = []
  for (const text of texts) {
    const rule = parseRetentionRule(text)
    if (typeof rule === 'string') return `${text.slice(0, 60)} ${rule}`
    rules.push(rule)
  }
  return clashOf(rules) ?? rules
}

/** Two rules of which neither is the narrower one for a kind that both name. */
export const clashOf = (rules: RetentionRules): string | undefined => {
  for (const [i, a] of rules.entries()) {
    for (const b of rules.slice(i + 1)) {
      const overlap = a.from <= b.to && b.from <= a.to
      if (overlap && widthOf(a) === widthOf(b))
        return `the rules for ${shown(a)} and for ${shown(b)} contradict each other`
    }
  }
  return undefined
}

const shown = ({ from, to }: RetentionRule): string => (from === to ? String(from) : `${from}-${to}`)

const widthOf = ({ from, to }: RetentionRule): number => to - from

/** NIP-09 and NIP-62: what is gone stays gone only as long as somebody says so. No rule and no cap touches them. */
export const isKeptForEver = (kind: number): boolean => kind === DELETION || kind === VANISH

/** Undefined: kept for ever. */
export const ruleFor = (rules: RetentionRules, kind: number): RetentionRule | undefined => {
  if (isKeptForEver(kind)) return undefined
  let best: RetentionRule | undefined
  for (const rule of rules) {
    if (kind < rule.from || kind > rule.to) continue
    if (best === undefined || widthOf(rule) < widthOf(best)) best = rule
  }
  return best
}
