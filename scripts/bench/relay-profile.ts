import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Where a process spent its time, by node's own sampling. */
export const profileFlags = (folder: string): string[] => [
  '--cpu-prof',
  `--cpu-prof-dir=${folder}`,
  ...['--cpu-prof-interval', '200'],
]

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

const TOP = 25

/** The functions with the most time of their own, for every thread that left a profile in the folder. */
export const profilesIn = (folder: string): string => {
  const files = readdirSync(folder).filter((name) => name.endsWith('.cpuprofile'))
  if (files.length === 0) throw new Error('the relay left no profile')
  return files
    .map((file) => topOf(JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile, file))
    .join('\n\n')
}

const topOf = ({ nodes, samples, timeDeltas }: CpuProfile, file: string): string => {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const selfUs = new Map<string, number>()
  let busyUs = 0
  let allUs = 0
  samples.forEach((id, i) => {
    const name = names.get(id) ?? '?'
    const us = timeDeltas[i] ?? 0
    allUs += us
    if (name === '(idle)') return
    busyUs += us
    selfUs.set(name, (selfUs.get(name) ?? 0) + us)
  })
  const rows = [...selfUs].sort(([, a], [, b]) => b - a).slice(0, TOP)
  return [
    `${file}: ${ms(busyUs)} ms busy of ${ms(allUs)} ms; self time`,
    ...rows.map(([name, us]) => `${ms(us).padStart(8)} ms ${((100 * us) / busyUs).toFixed(1).padStart(5)} %  ${name}`),
  ].join('\n')
}

const ms = (us: number): string => (us / 1_000).toFixed(0)

/** `write dist/relay/store/store.js:40`; the machine’s own in brackets. */
const nameOf = ({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string => {
  const name = functionName === '' ? '(anonymous)' : functionName
  if (url === '') return name
  const path = url.startsWith('file:') ? fileURLToPath(url) : url
  return `${name} ${path.split('/').slice(-4).join('/')}:${lineNumber + 1}`
}
