/** Damerau-Levenshtein, optimal string alignment: one typing mistake is one step. Both strings are short (a key, a verb). */
const distance = (a: string, b: string): number => {
  let before: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let d = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) d = Math.min(d, (before[j - 2] ?? 0) + 1)
      row.push(d)
    }
    before = last
    last = row
  }
  return last[b.length] ?? 0
}

const MAX_CHARS = 64

/** `dataDir` and `data-dir` are `data_dir` to someone who comes from another tool. */
const plain = (word: string): string => word.replaceAll(/[-_ ]/g, '').toLowerCase()

/** The known word that was probably meant; undefined where none is near. */
export const suggest = (word: string, known: readonly string[]): string | undefined => {
  if (word.length === 0 || word.length > MAX_CHARS) return undefined
  const nearest = known
    .map((k) => ({ k, steps: plain(k) === plain(word) ? 0 : distance(word.toLowerCase(), k.toLowerCase()) }))
    .sort((a, b) => a.steps - b.steps)
    .at(0)
  return nearest !== undefined && nearest.steps <= Math.max(1, Math.floor(word.length / 3)) ? nearest.k : undefined
}
