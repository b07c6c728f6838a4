/** What one check found: one line for a person. */
export interface Finding {
  readonly check: string
  readonly state: 'ok' | 'warn' | 'fail'
  /** What is so. */
  readonly found: string
  /** What to do, where there is something to do. */
  readonly advice?: string
}

export const fine = (check: string, found: string): Finding => ({ check, state: 'ok', found })
export const doubt = (check: string, found: string, advice: string): Finding => ({
  check,
  state: 'warn',
  found,
  advice,
})
export const trouble = (check: string, found: string, advice: string): Finding => ({
  check,
  state: 'fail',
  found,
  advice,
})
