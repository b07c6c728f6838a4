/**
 * Draws a DAG in the terminal, newest first: one lane for each line of descent, a row with joints wherever lanes part or
 * meet. A lane holds the id of the strand it waits for.
 *
 *   ●  c1   merges b1 and b2          ├─╮  a lane opens for another parent
 *   ├─╮                               ├─╯  a lane ends in this one: the same parent was expected twice
 *   │ ●  b2                           ├─┤  a parent that another lane waits for already
 *   ● │  b1
 *   ├─╯
 *   ●  a
 */
export interface GraphNode {
  readonly id: string
  readonly parents: readonly string[]
  readonly label: string
}

/** Wider than this no terminal shows it; further lanes are cut off and marked with `…`. */
const MAX_LANES = 24

/** `nodes` come children first. Parents that are not among them get no lane. Yields lines without a newline. */
export function* drawGraph(nodes: Iterable<GraphNode>, shown: (id: string) => boolean): Generator<string> {
  const lanes: (string | undefined)[] = []
  const free = (): number => {
    const empty = lanes.indexOf(undefined)
    return empty < 0 ? lanes.length : empty
  }

  for (const node of nodes) {
    const waiting = lanes.flatMap((id, i) => (id === node.id ? [i] : []))
    const at = waiting[0] ?? free()
    lanes[at] = node.id
    // Lanes that waited for the same strand end here, before it is drawn.
    for (const other of waiting.slice(1).reverse()) {
      yield joint(lanes, at, other, '╯')
      lanes[other] = undefined
    }
    trim(lanes)
    yield `${row(lanes, at)}  ${node.label}`

    const parents = [...new Set(node.parents)].filter(shown)
    lanes[at] = parents[0]
    for (const parent of parents.slice(1)) {
      const present = lanes.indexOf(parent)
      if (present >= 0) {
        yield joint(lanes, at, present, present > at ? '┤' : '├')
        continue
      }
      const opened = free()
      lanes[opened] = parent
      yield joint(lanes, at, opened, opened > at ? '╮' : '╭')
    }
    trim(lanes)
  }
}

const trim = (lanes: (string | undefined)[]): void => {
  while (lanes.length > 0 && lanes.at(-1) === undefined) lanes.pop()
}

const row = (lanes: readonly (string | undefined)[], at: number): string => {
  const width = Math.min(Math.max(lanes.length, at + 1), MAX_LANES)
  const cells = Array.from({ length: width }, (_, i) => (i === at ? '●' : lanes[i] === undefined ? ' ' : '│'))
  return cells.join(' ') + (lanes.length > MAX_LANES ? ' …' : '')
}

/** A row that ties lane `at` to lane `to`. `end` is what stands in lane `to`. */
const joint = (lanes: readonly (string | undefined)[], at: number, to: number, end: string): string => {
  const [low, high] = at < to ? [at, to] : [to, at]
  const width = Math.min(Math.max(lanes.length, high + 1), MAX_LANES)
  let line = ''
  for (let i = 0; i < width; i++) {
    const lane = lanes[i] !== undefined
    const inside = i > low && i < high
    if (i === to) line += end
    else if (i === at) line += at < to ? '├' : '┤'
    else if (inside) line += lane ? '┼' : '─'
    else line += lane ? '│' : ' '
    if (i < width - 1) line += i >= low && i < high ? '─' : ' '
  }
  return line.trimEnd()
}
