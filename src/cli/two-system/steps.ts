import { printJson, printLine } from '../print.js'

/** The steps of the two-system procedure, printed as they come true, each with its evidence. */
export interface Step {
  readonly step: number
  readonly what: string
  readonly ok: boolean
  readonly evidence: Readonly<Record<string, unknown>>
}

export interface Steps {
  passed(what: string, evidence: Readonly<Record<string, unknown>>): void
  readonly list: readonly Step[]
}

export const openSteps = (json: boolean, quiet = false): Steps => {
  const list: Step[] = []
  return {
    list,
    passed: (what, evidence) => {
      const step = { step: list.length + 1, what, ok: true, evidence }
      list.push(step)
      if (quiet) return
      if (json) printJson(step)
      else {
        printLine(`✓ ${String(step.step).padStart(2)}. ${what}`)
        for (const [name, value] of Object.entries(evidence)) printLine(`       ${name}: ${String(value)}`)
      }
    },
  }
}
