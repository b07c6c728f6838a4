import { expect, test } from 'vitest'
import { drawGraph, type GraphNode } from '../../../src/cli/braid-graph.js'

const draw = (nodes: GraphNode[]): string[] => {
  const ids = new Set(nodes.map((n) => n.id))
  return [...drawGraph(nodes, (id) => ids.has(id))]
}
const node = (id: string, ...parents: string[]): GraphNode => ({ id, parents, label: id })

test('a chain is one lane', () => {
  expect(draw([node('c', 'b'), node('b', 'a'), node('a')])).toEqual(['●  c', '●  b', '●  a'])
})

test('a merge opens a lane and the common parent closes it', () => {
  const lines = draw([node('m', 'l', 'r'), node('r', 'a'), node('l', 'a'), node('a')])
  expect(lines).toEqual(['●  m', '├─╮', '│ ●  r', '● │  l', '├─╯', '●  a'])
})

test('two tips that share a parent are two lanes', () => {
  expect(draw([node('y', 'a'), node('x', 'a'), node('a')])).toEqual(['●  y', '│ ●  x', '├─╯', '●  a'])
})

test('a parent that is not shown gets no lane', () => {
  expect(draw([node('b', 'gone')])).toEqual(['●  b'])
})

test('a parent that another lane waits for already is tied to that lane', () => {
  const lines = draw([node('q', 'a'), node('p', 'b', 'a'), node('b'), node('a')])
  expect(lines).toEqual(['●  q', '│ ●  p', '├─┤', '│ ●  b', '●  a'])
})

test('every strand of a wide braid is drawn exactly once', () => {
  const tips = Array.from({ length: 40 }, (_, i) => node(`t${i}`, 'a'))
  const lines = draw([...tips, node('a')])
  const drawn = lines.filter((l) => /(t\d+|a)$/.test(l))
  expect(drawn).toHaveLength(41)
})
