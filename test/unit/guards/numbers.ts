import ts from 'typescript'
import { sourceOf } from './sources.js'

/**
 * What a constant of a source file is, without running it: a number, a product, sum or name of such, or a member of an object
 * of them. `DEFAULT_LIMITS.inbox.maxItems` goes into objects by name. Throws where there is none, or it is anything else.
 */
export const numberIn = (path: string, name: string): number => {
  const { tree } = sourceOf(path)
  const [first = '', ...members] = name.split('.')
  const constants = new Map<string, ts.Expression>()
  for (const statement of tree.statements) {
    if (!ts.isVariableStatement(statement)) continue
    for (const { name: declared, initializer } of statement.declarationList.declarations) {
      if (ts.isIdentifier(declared) && initializer !== undefined) constants.set(declared.text, initializer)
    }
  }

  const lookUp = (word: string): ts.Expression => {
    const found = constants.get(word)
    if (found === undefined) throw new Error(`${path} has no constant ${word}`)
    return found
  }
  const memberOf = (node: ts.Expression, member: string): ts.Expression => {
    const object = ts.isIdentifier(node) ? lookUp(node.text) : node
    const found = ts.isObjectLiteralExpression(object)
      ? object.properties.find((p) => p.name !== undefined && ts.isIdentifier(p.name) && p.name.text === member)
      : undefined
    if (found === undefined || !ts.isPropertyAssignment(found)) throw new Error(`${path}: ${name} has no ${member}`)
    return found.initializer
  }
  const valueOf = (node: ts.Expression): number => {
    if (ts.isNumericLiteral(node)) return Number(node.text.replaceAll('_', ''))
    if (ts.isIdentifier(node)) return valueOf(lookUp(node.text))
    if (ts.isParenthesizedExpression(node)) return valueOf(node.expression)
    if (ts.isBinaryExpression(node)) {
      const [a, b] = [valueOf(node.left), valueOf(node.right)]
      const operator = ts.tokenToString(node.operatorToken.kind)
      if (operator === '*') return a * b
      if (operator === '+') return a + b
      if (operator === '/') return a / b
    }
    throw new Error(`${path}: ${name} is no number that can be read: ${node.getText(tree)}`)
  }
  return valueOf(members.reduce(memberOf, lookUp(first)))
}

const UNITS: Readonly<Record<string, number>> = { KiB: 1024, MiB: 1024 ** 2 }

/** `1,024` is 1024, `8 MiB` is 8388608, `4,096 pages` is 4096. */
export const numberSaid = (text: string): number => {
  const parts = /^([\d,]+)(?: (\w+))?$/.exec(text)
  if (parts === null) throw new Error(`no number: ${text}`)
  return Number((parts[1] ?? '').replaceAll(',', '')) * (UNITS[parts[2] ?? ''] ?? 1)
}
