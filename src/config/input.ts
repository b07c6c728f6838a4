import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml'
import type { Place, Report } from './report.js'

/** What stands at a place, before anyone knows what it should be: one shape for YAML, environment and flags. */
export type Input = { readonly place: Place } & (
  | {
      readonly form: 'text'
      readonly text: string
      /** From a variable or a flag: lists are separated there. */ readonly bare: boolean
    }
  | { readonly form: 'list'; readonly items: readonly Input[] }
  | {
      readonly form: 'map'
      readonly entries: readonly { readonly key: string; readonly place: Place; readonly value: Input }[]
    }
  | { readonly form: 'empty' }
)

const MAX_DEPTH = 16
const MAX_NODES = 20_000

/** Reads YAML 1.2. Undefined where it can't be read as YAML at all; then the report says where. */
export const inputOfYaml = (text: string, place: Place, report: Report): Input | undefined => {
  const lines = new LineCounter()
  const doc = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, stringKeys: true })
  const at = (offset: number | undefined): Place => ({
    ...place,
    line: offset === undefined ? 1 : lines.linePos(offset).line,
  })

  for (const { pos } of doc.errors.filter((error) => error.code === 'DUPLICATE_KEY')) {
    report.mistake(at(pos[0]), '', 'this key stands here twice')
  }
  // A key that stands twice leaves a tree worth checking; what follows a mistake of syntax is noise.
  const syntax = doc.errors.find((error) => error.code !== 'DUPLICATE_KEY')
  if (syntax !== undefined) {
    report.mistake(at(syntax.pos[0]), '', `not YAML: ${syntax.message}`)
    return undefined
  }

  let nodes = 0
  const walk = (node: unknown, depth: number, line: Place): Input => {
    nodes++
    // Aliases can repeat a node beyond all bounds: count every visit.
    if (depth > MAX_DEPTH || nodes > MAX_NODES) {
      if (nodes === MAX_NODES + 1 || depth > MAX_DEPTH) report.mistake(line, '', 'too deep or too long')
      return { form: 'empty', place: line }
    }
    if (isAlias(node)) return walk(node.resolve(doc), depth + 1, line)
    if (isMap(node)) {
      const entries = node.items.map((pair) => {
        const key = isScalar(pair.key) ? pair.key : undefined
        const here = at(key?.range?.[0] ?? node.range?.[0])
        return {
          key: typeof key?.value === 'string' ? key.value : '',
          place: here,
          value: walk(pair.value, depth + 1, here),
        }
      })
      return { form: 'map', place: line, entries }
    }
    if (isSeq(node)) {
      const items = node.items.map((item) => walk(item, depth + 1, at(rangeStart(item) ?? node.range?.[0])))
      return { form: 'list', place: line, items }
    }
    if (!isScalar(node) || node.value === null) return { form: 'empty', place: line }
    // The words of the file, not what YAML makes of them: a key of digits alone is no number, and 0012 not 12.
    const words = typeof node.value === 'string' ? node.value : (node.source ?? JSON.stringify(node.value))
    return { form: 'text', place: line, text: words, bare: false }
  }
  return walk(doc.contents, 0, { ...place, line: 1 })
}

const rangeStart = (node: unknown): number | undefined =>
  isMap(node) || isSeq(node) || isScalar(node) || isAlias(node) ? node.range?.[0] : undefined

export const inputOfText = (text: string, place: Place): Input => ({ form: 'text', place, text, bare: true })
