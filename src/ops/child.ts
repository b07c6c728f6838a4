import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

/**
 * The built `ksp` program, as a file that node can run: child processes always run what is built, also where this file
 * itself runs from its source (tests do that).
 */
export const builtProgram = (path: string): string => {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  return join(root, ...(existsSync(join(root, 'package.json')) ? ['dist'] : []), path)
}

export const kspProgram = builtProgram('src/cli/main.js')

export interface Child {
  readonly pid: number
  readonly process: ChildProcess
  /** Every line of stdout and of stderr so far, newest last, at most 2,000 each. */
  readonly out: readonly string[]
  readonly err: readonly string[]
  /** Resolves with the first stdout line (past or future) that matches; rejects when the process ends before one does. */
  line(pattern: RegExp): Promise<string>
  /** Resolves when the process has ended. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** Sends a signal, if the process still runs, and resolves when it has ended. */
  stop(signal?: NodeJS.Signals): Promise<{ code: number | null; signal: NodeJS.Signals | null }>
}

export interface ChildOptions {
  /** Added to the present environment. */
  readonly env?: Record<string, string>
  readonly cwd?: string
  /** Gives it a stdin that ends with us, by which it learns that its parent is gone, however that came. */
  readonly tied?: boolean
}

const MAX_LINES = 2_000

/** Starts node with a program of ours as a process of its own. */
export const startChild = (program: string, args: readonly string[], options: ChildOptions = {}): Child => {
  const child = spawn(process.execPath, [program, ...args], {
    stdio: [options.tied === true ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  const out: string[] = []
  const err: string[] = []
  const waiting = new Set<{ pattern: RegExp; resolve: (line: string) => void; reject: (error: Error) => void }>()
  const keep = (list: string[], line: string): void => {
    list.push(line)
    if (list.length > MAX_LINES) list.shift()
  }
  eachLine(child.stdout, (line) => {
    keep(out, line)
    for (const w of waiting) {
      if (!w.pattern.test(line)) continue
      waiting.delete(w)
      w.resolve(line)
    }
  })
  eachLine(child.stderr, (line) => keep(err, line))

  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('error', (error) => {
      keep(err, error.message)
      resolve({ code: null, signal: null })
    })
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  const name = `${program.split('/').at(-1) ?? program} ${args.slice(0, 2).join(' ')}`
  void ended.then(({ code, signal }) => {
    for (const w of waiting) {
      w.reject(
        new Error(
          `${name} ended (${code ?? signal ?? 'not started'}) before it said ${w.pattern}: ${err.slice(-5).join(' | ')}`,
        ),
      )
    }
    waiting.clear()
  })

  return {
    pid: child.pid ?? -1,
    process: child,
    out,
    err,
    line: (pattern) => {
      const past = out.find((line) => pattern.test(line))
      if (past !== undefined) return Promise.resolve(past)
      if (child.exitCode !== null || child.signalCode !== null) {
        return Promise.reject(new Error(`${name} has ended: ${err.slice(-5).join(' | ')}`))
      }
      return new Promise((resolve, reject) => waiting.add({ pattern, resolve, reject }))
    },
    ended,
    stop: (signal = 'SIGTERM') => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal)
      return ended
    },
  }
}

const eachLine = (stream: Readable | null, take: (line: string) => void): void => {
  if (stream !== null) createInterface({ input: stream }).on('line', take)
}

/** Starts `ksp ...args`. */
export const startKsp = (args: readonly string[], options: ChildOptions = {}): Child =>
  startChild(kspProgram, args, options)
