import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** The sources as the compiler reads them: what a file imports and what it names, with the line where it does. */

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

export const readText = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

/** Every file below a folder whose name ends so, as paths from the root of the project with `/`. */
export const filesBelow = (folder: string, endings: readonly string[]): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length).replaceAll('\\', '/'))
    .sort()

/** Written by scripts/build-kinds.mjs. */
export const GENERATED: readonly string[] = ['src/core/validators.js']

export interface Source {
  readonly path: string
  readonly tree: ts.SourceFile
}

export const sourceOf = (path: string, text = readText(path)): Source => ({
  path,
  tree: ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true),
})

/** Hand-written and generated sources of `src` and `relay`. */
export const sources = (...folders: readonly string[]): Source[] =>
  folders.flatMap((folder) => filesBelow(folder, ['.ts', '.js', '.mjs'])).map((path) => sourceOf(path))

export interface Import {
  readonly line: number
  /** As it is written. */
  readonly specifier: string
  /** The file of ours that it means, from the root of the project; undefined for a package or a node: module. */
  readonly target: string | undefined
}

/** Static and dynamic imports, re-exports, types by import(), `import =` and require: everything that names another module. */
export const importsOf = ({ path, tree }: Source): Import[] => {
  const found: Import[] = []
  const add = (specifier: ts.Node | undefined): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return
    found.push({ line: lineOf(tree, specifier), specifier: specifier.text, target: targetOf(path, specifier.text) })
  }
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) add(node.moduleSpecifier)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal)
    else if (ts.isExternalModuleReference(node)) add(node.expression)
    else if (ts.isCallExpression(node) && (isImportCall(node) || isRequireCall(node))) add(node.arguments[0])
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

const isImportCall = (node: ts.CallExpression): boolean => node.expression.kind === ts.SyntaxKind.ImportKeyword
const isRequireCall = (node: ts.CallExpression): boolean =>
  ts.isIdentifier(node.expression) && node.expression.text === 'require'

const targetOf = (from: string, specifier: string): string | undefined =>
  specifier.startsWith('.') ? posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts') : undefined

const lineOf = (tree: ts.SourceFile, node: ts.Node): number =>
  tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1

export interface Use {
  readonly line: number
  /** `Date`, `Math.random`, `process.stdout`: a name that is used as a value, with what is taken of it. */
  readonly name: string
}

/** Every use of a value by its name, global or not: names of members, types and declarations are none. */
export const usesOf = ({ tree }: Source): Use[] => {
  const found: Use[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node)) return
    if (ts.isIdentifier(node) && isValue(node)) {
      const line = lineOf(tree, node)
      found.push({ line, name: node.text })
      const { parent } = node
      if (ts.isPropertyAccessExpression(parent) && parent.expression === node) {
        found.push({ line, name: `${node.text}.${parent.name.text}` })
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return found
}

const isValue = (node: ts.Identifier): boolean => {
  const { parent } = node
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node
  if (ts.isPropertyAssignment(parent) || ts.isBindingElement(parent)) return parent.initializer === node
  return !(ts.isImportSpecifier(parent) || ts.isTypeReferenceNode(parent) || ts.isMethodDeclaration(parent))
}
