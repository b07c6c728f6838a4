/** A bar that is drawn over itself, on a terminal only: whoever reads a file or a pipe gets nothing of it. */
export interface Progress {
  at(done: number): void
  end(): void
}

const WIDTH = 30

export const createProgress = (what: string, total: number, wanted = true): Progress => {
  if (!wanted || !process.stderr.isTTY || total === 0) return { at: () => undefined, end: () => undefined }
  return {
    at: (done) => {
      const full = Math.round((Math.min(done, total) / total) * WIDTH)
      process.stderr.write(`\r${what.padEnd(8)} [${'█'.repeat(full)}${' '.repeat(WIDTH - full)}] ${done}/${total}`)
    },
    end: () => void process.stderr.write('\n'),
  }
}
