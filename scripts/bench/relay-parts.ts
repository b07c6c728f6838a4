import { reasonOf } from '../../src/core/fault.js'

/** The parts that run as processes of their own, so that each has a core's time to itself and is measured alone. */
export const PARTS: Readonly<Record<string, () => Promise<{ readonly run: (task: never) => Promise<void> }>>> = {
  events: () => import('./relay-events.js'),
  load: () => import('./relay-load.js'),
  raw: () => import('./relay-raw.js'),
  ceiling: () => import('./relay-ceiling.js'),
  fill: () => import('./relay-fill.js'),
  fillCeiling: () => import('./relay-fill-ceiling.js'),
  fillNpm: () => import('./relay-fill-npm.js'),
  inserts: () => import('./relay-inserts.js'),
}

export const runPart = async (name = '', task = '{}'): Promise<void> => {
  // Ends with the one who started it, however that came about.
  process.stdin.once('end', () => process.exit(1)).resume()
  const part = await PARTS[name]?.()
  if (part === undefined) throw new Error(`no part is called ${name}`)
  try {
    await part.run(JSON.parse(task) as never)
  } catch (error) {
    process.stderr.write(`${reasonOf(error)}\n`)
    process.exit(1)
  }
}
