import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { builtProgram, startChild } from '../../src/ops/child.js'
import type { Child } from '../../src/ops/child.js'

/** A folder, and processes that end with us: nothing of a measurement stays behind, also not after Ctrl-C. */
export interface Workplace {
  readonly folder: string
  /** A name for a file that is not there yet. */
  newFile(name: string): string
  /** Node with these arguments, the program's file among them. */
  start(args: readonly string[]): Child
  /** One part of the benchmark (relay-parts.ts) as a process of its own. */
  startPart(name: string, task: unknown): Child
  close(): Promise<void>
}

export const openWorkplace = (): Workplace => {
  const folder = mkdtempSync(join(tmpdir(), 'ksp-bench-relay-'))
  const children = new Set<Child>()
  let files = 0
  let closed = false
  const start = ([first = '', ...rest]: readonly string[]): Child => {
    if (closed) throw new Error('it was stopped')
    const child = startChild(first, rest, { tied: true })
    children.add(child)
    void child.ended.then(() => children.delete(child))
    return child
  }
  return {
    folder,
    newFile: (name) => join(folder, `${++files}-${name}`),
    start,
    startPart: (name, task) => start([builtProgram('scripts/bench-relay.js'), 'part', name, JSON.stringify(task)]),
    close: async () => {
      closed = true
      await Promise.all([...children].map((child) => child.stop('SIGKILL')))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const RESULT = 'result '

/** What a part says to whoever started it. */
export const sayResult = (result: unknown): void => void process.stdout.write(`${RESULT}${JSON.stringify(result)}\n`)

/** Runs a part to its end and resolves with its result. Rejects with what it said on stderr where there is none. */
export const resultOf = async <T>(workplace: Workplace, name: string, task: unknown): Promise<T> => {
  const child = workplace.startPart(name, task)
  const line = await child.line(/^result /)
  await child.stop()
  return JSON.parse(line.slice(RESULT.length)) as T
}
