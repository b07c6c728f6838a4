import type { Destination } from '../core/types.js'

/** Not yet known who: it waits for a Herm that serves the name, not for a time, and no pump waits for its bell. */
export const isKorName = (to: Destination): to is `kor:${string}` => to.startsWith('kor:')
