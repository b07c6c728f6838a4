import { readFileSync } from 'node:fs'

/** What the system says of a running process. Linux only: undefined elsewhere. */
export interface Usage {
  readonly cpuMs: number
  /** Of that, the main thread's: where others work beside it, it is the one that limits a program of Node's. */
  readonly mainCpuMs: number
  readonly rssMb: number
}

/** Linux counts processor time in ticks of a hundredth of a second. */
const TICK_MS = 10

export const usageOf = (pid: number): Usage | undefined => {
  try {
    const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return {
      cpuMs: cpuMsIn(`/proc/${pid}/stat`),
      mainCpuMs: cpuMsIn(`/proc/${pid}/task/${pid}/stat`),
      rssMb: Math.round(Number(rss) / 1024),
    }
  } catch {
    return undefined
  }
}

const cpuMsIn = (file: string): number => {
  const fields = readFileSync(file, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS
}
