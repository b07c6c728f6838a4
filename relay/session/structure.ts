/**
 * How much structure a long message has, before it is read as JSON. A megabyte of brackets takes a hundred times as long to
 * read, and fifty times the memory, of a megabyte of text. What is short can't do harm and is not looked at.
 */
export const MAX_UNSEEN_CHARS = 16 * 1024
/** Values, members and lists of one message: an event of 2,000 tags has some ten thousand. */
export const MAX_JSON_PARTS = 50_000
/** How deep lists and objects stand in each other: an EVENT has four levels. */
export const MAX_FRAME_DEPTH = 32

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPENING = [0x5b, 0x7b]
const CLOSING = [0x5d, 0x7d]

/** What is wrong with it, where something is. It need not be JSON: that is for the parser to say. */
export const tooMuchStructure = (text: string): string | undefined => {
  if (text.length <= MAX_UNSEEN_CHARS) return undefined
  let parts = 0
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (char === QUOTE) {
      at = endOfString(text, at)
      if (at < 0) return undefined
    } else if (char === COMMA) parts++
    else if (OPENING.includes(char)) {
      parts++
      if (++depth > MAX_FRAME_DEPTH) return `at most ${MAX_FRAME_DEPTH} levels of lists and objects`
    } else if (CLOSING.includes(char)) depth--
    if (parts > MAX_JSON_PARTS) return `at most ${MAX_JSON_PARTS} values, lists and objects in a message`
  }
  return undefined
}

/** Where the quote stands that ends the string which begins at `from`; -1 where none does. */
const endOfString = (text: string, from: number): number => {
  for (let at = text.indexOf('"', from + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let before = at - 1
    while (text.charCodeAt(before) === BACKSLASH) before--
    if ((at - before) % 2 === 1) return at
  }
  return -1
}
