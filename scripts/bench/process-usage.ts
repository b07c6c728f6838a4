import { readFileSync } from 'node:fs'

/** What the system says of a running process. Linux only: undefined elsewhere. */
export interface Usage {
  readonly cpuMs: number
  readonly rssMb: number
}

/** Linux counts processor time in ticks of a hundredth of a second. */
const TICK_MS = 10

export const usageOf = (pid: number): Usage | undefined => {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return {
      cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
      rssMb: Math.round(Number(rss) / 1024),
    }
  } catch {
    return undefined
  }
}
