import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { askHidden, askNewPassphrase, type Keyboard } from '../../../src/cli/ask.js'

/** A terminal's input, with what was done to it. */
const keyboard = (): Keyboard & PassThrough & { raw: boolean[] } => {
  const raw: boolean[] = []
  return Object.assign(new PassThrough(), { isTTY: true, raw, setRawMode: (on: boolean) => raw.push(on) })
}

describe('a question whose answer is not shown', () => {
  it('takes a line, letter by letter or at once, with its corrections', async () => {
    const keys = keyboard()
    const answer = askHidden('Passphrase', keys)
    for (const part of ['sek', 'rt', '\u007f', 'et é', '\u007f', '!\r']) keys.write(part)

    expect(await answer).toBe('sekret !')
    expect(keys.raw).toEqual([true, false])
  })

  it('takes a letter whose bytes come apart', async () => {
    const keys = keyboard()
    const answer = askHidden('Passphrase', keys)
    const bytes = Buffer.from('é\n')
    keys.write(bytes.subarray(0, 1))
    keys.write(bytes.subarray(1))

    expect(await answer).toBe('é')
  })

  it.each(['\u0003', '\u0004'])(
    'ends with Ctrl-C and Ctrl-D (%j), and leaves the terminal as it was',
    async (letter) => {
      const keys = keyboard()
      const answer = askHidden('Passphrase', keys)
      keys.write(`abc${letter}`)

      await expect(answer).rejects.toMatchObject({ code: 'cancelled', exit: 1 })
      expect(keys.raw).toEqual([true, false])
    },
  )

  it('ends when the terminal goes away', async () => {
    const keys = keyboard()
    const answer = askHidden('Passphrase', keys)
    keys.end()

    await expect(answer).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('keeps no more than 1,024 letters', async () => {
    const keys = keyboard()
    const answer = askHidden('Passphrase', keys)
    keys.write('x'.repeat(5_000))
    keys.write('\n')

    expect(await answer).toHaveLength(1_024)
  })

  it('asks for a new passphrase twice and wants the same one', async () => {
    const keys = keyboard()
    const typed = (first: string, second: string): Promise<string> => {
      const answer = askNewPassphrase(keys)
      keys.write(`${first}\n`)
      // The second question comes when the first is answered.
      setImmediate(() => keys.write(`${second}\n`))
      return answer
    }

    expect(await typed('same', 'same')).toBe('same')
    await expect(typed('same', 'other')).rejects.toMatchObject({ code: 'passphrase' })
  })
})
