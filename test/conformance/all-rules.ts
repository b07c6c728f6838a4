import { RULES as answers } from './nip01-answers.js'
import { RULES as events } from './nip01-events.js'
import { RULES as filters } from './nip01-filters.js'
import { RULES as kinds } from './nip01-kinds.js'
import { RULES as req } from './nip01-req.js'
import type { Rule } from './rule.js'

/** Every rule there is, in the order of the table. */
export const ALL_RULES: readonly Rule[] = [...events, ...answers, ...kinds, ...filters, ...req]
