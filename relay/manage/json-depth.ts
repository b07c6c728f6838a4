const MAX_DEPTH = 8

/** Whether no part of a JSON text lies deeper than any call of ours needs; what is in strings does not count. */
export const isShallow = (text: string, maxDepth = MAX_DEPTH): boolean => {
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i)
    if (inString) {
      if (char === '\\') i++
      else if (char === '"') inString = false
    } else if (char === '"') inString = true
    else if (char === '[' || char === '{') {
      if (++depth > maxDepth) return false
    } else if (char === ']' || char === '}') depth--
  }
  return true
}
