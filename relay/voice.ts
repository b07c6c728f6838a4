/** What the programs of this room print: results on stdout, words for a person on stderr, there also how far they are. */
export interface Voice {
  /** A line of the result. */
  print(line: string): void
  /** Bytes of the result as they are. Resolves when there is room for more. */
  write(text: string): Promise<void>
  /** A line for a person. */
  say(line: string): void
  /** How far it is: drawn over the last such line on a terminal, and now and then a line of its own elsewhere. */
  progress(line: string): void
}

const TERMINAL_EVERY_MS = 100
const ELSEWHERE_EVERY_MS = 5_000

export const processVoice = (): Voice => {
  const { stdout, stderr } = process
  let drawn = 0
  let drawnAt = 0
  const clear = (): void => {
    if (drawn > 0) stderr.write(`\r${' '.repeat(drawn)}\r`)
    drawn = 0
  }
  return {
    print: (line) => {
      clear()
      stdout.write(`${line}\n`)
    },
    write: (text) =>
      new Promise((resolve, reject) => {
        stdout.write(text, (error) => {
          if (error) reject(error)
          else resolve()
        })
      }),
    say: (line) => {
      clear()
      stderr.write(`ksp relay: ${line}\n`)
    },
    progress: (line) => {
      const now = performance.now()
      const pause = stderr.isTTY ? TERMINAL_EVERY_MS : ELSEWHERE_EVERY_MS
      if (drawnAt === 0 && !stderr.isTTY) drawnAt = now
      if (now - drawnAt < pause) return
      drawnAt = now
      if (!stderr.isTTY) {
        stderr.write(`ksp relay: ${line}\n`)
        return
      }
      clear()
      stderr.write(line)
      drawn = line.length
    },
  }
}
