import { createInterface } from 'node:readline/promises'
import { StringDecoder } from 'node:string_decoder'
import { CliError, printQuestion } from './print.js'

/** Questions to a person at a terminal. They go to stderr, so that stdout stays what was asked for. */

/** The part of a terminal's input that is used here. */
export interface Keyboard extends NodeJS.ReadableStream {
  readonly isTTY?: boolean
  setRawMode?(on: boolean): unknown
}

export const onTerminal = (): boolean => process.stdin.isTTY && process.stderr.isTTY

/** The line that was typed, or the default for an empty one. */
export const ask = async (question: string, standard = ''): Promise<string> => {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    const shown = standard === '' ? `${question}: ` : `${question} [${standard}]: `
    const closed = new Promise<never>((_, reject) => lines.once('close', () => reject(cancelled())))
    const answer = await Promise.race([lines.question(shown), closed])
    return answer.trim() === '' ? standard : answer.trim()
  } finally {
    lines.close()
  }
}

const cancelled = (): CliError => new CliError('cancelled', 'cancelled')

const MAX_CHARS = 1_024

/** A line that is not shown while it is typed. Rejects when the person presses Ctrl-C or Ctrl-D. */
export const askHidden = (question: string, keyboard: Keyboard = process.stdin): Promise<string> => {
  // Before the question shows: who types at once must not be echoed either.
  keyboard.setRawMode?.(true)
  printQuestion(`${question}: `)
  return new Promise((resolve, reject) => {
    const decoder = new StringDecoder('utf8')
    let typed: string[] = []
    const finish = (settle: () => void): void => {
      keyboard.off('data', onData)
      keyboard.off('end', onEnd)
      keyboard.setRawMode?.(false)
      keyboard.pause()
      printQuestion('\n')
      settle()
    }
    const onEnd = (): void => finish(() => reject(cancelled()))
    const onData = (chunk: Buffer | string): void => {
      for (const letter of typeof chunk === 'string' ? chunk : decoder.write(chunk)) {
        if (letter === '\r' || letter === '\n') {
          finish(() => resolve(typed.join('')))
          return
        }
        if (letter === '\u0003' || letter === '\u0004') {
          onEnd()
          return
        }
        if (letter === '\u007f' || letter === '\b') typed = typed.slice(0, -1)
        else if (letter >= ' ' && typed.length < MAX_CHARS) typed.push(letter)
      }
    }
    keyboard.on('data', onData)
    keyboard.on('end', onEnd)
    keyboard.resume()
  })
}

/** Asks twice, for what can't be read back. */
export const askNewPassphrase = async (keyboard?: Keyboard): Promise<string> => {
  const first = await askHidden('Passphrase', keyboard)
  if (first === '') return ''
  if ((await askHidden('The same again', keyboard)) === first) return first
  throw new CliError('passphrase', 'the two passphrases differ', { hint: 'run it again', exit: 2 })
}
