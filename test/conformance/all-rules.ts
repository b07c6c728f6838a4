import { RULES as keeping } from './keeping.js'
import { RULES as answers } from './nip01-answers.js'
import { RULES as events } from './nip01-events.js'
import { RULES as filters } from './nip01-filters.js'
import { RULES as kinds } from './nip01-kinds.js'
import { RULES as req } from './nip01-req.js'
import { RULES as nip09 } from './nip09.js'
import { RULES as nip11 } from './nip11.js'
import { RULES as nip13 } from './nip13.js'
import { RULES as nip17 } from './nip17.js'
import { RULES as nip40 } from './nip40.js'
import { RULES as lists } from './nip42-lists.js'
import { RULES as nip42 } from './nip42.js'
import { RULES as nip45 } from './nip45.js'
import { RULES as nip62 } from './nip62.js'
import { RULES as nip67 } from './nip67.js'
import { RULES as nip70 } from './nip70.js'
import { RULES as nip77 } from './nip77.js'
import { RULES as nip86 } from './nip86.js'
import { RULES as operation } from './operation.js'
import type { Rule } from './rule.js'

/** Every rule there is, in the order of the table: by NIP, and what no NIP asks for at the end. */
export const ALL_RULES: readonly Rule[] = [
  ...[events, answers, kinds, filters, req, nip09, nip11, nip13, nip17, nip40, nip42, lists, nip45, nip62, nip67],
  ...[nip70, nip77, nip86, operation, keeping],
]
  .flat()
  .sort((a, b) => (a.nip ?? Infinity) - (b.nip ?? Infinity) || 0)
