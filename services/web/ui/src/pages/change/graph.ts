// Where each thing of an impact stands in the drawing: items by level, then tasks, then people.
import type { ImpactRow, SupplierRow } from '@/api/changes'

export interface GraphNode {
  id: string
  kind: 'item' | 'task' | 'person' | 'order' | 'supplier'
  key: string
  name: string
  column: number
  place: number
  task?: string
  action?: string
}
export interface GraphEdge {
  from: string
  to: string
  rows: string[]
}
export interface Graph {
  nodes: GraphNode[]
  edges: GraphEdge[]
  columns: number
  height: number
  /** Rows that do not fit any more. */
  left: number
}

const MOST = 40

/** Layered: no two nodes of a column share a place; a node stands near what leads to it. */
export function graphOf(rows: readonly ImpactRow[], suppliers: readonly SupplierRow[] = []): Graph {
  const shown = rows.slice(0, MOST)
  const nodes = new Map<string, GraphNode>()
  const edges = new Map<string, GraphEdge>()
  const depth = Math.max(1, ...shown.map((row) => itemsOf(row).length))
  const add = (way: GraphNode[], row: string) =>
    way.forEach((one, at) => {
      if (!nodes.has(one.id)) nodes.set(one.id, one)
      const before = way[at - 1]
      if (!before) return
      const id = `${before.id}→${one.id}`
      const edge = edges.get(id) ?? { from: before.id, to: one.id, rows: [] }
      edge.rows.push(row)
      edges.set(id, edge)
    })
  for (const row of shown) {
    const way: GraphNode[] = itemsOf(row).map((step, column) => node(`item:${step.key}`, 'item', step.key, step.name, column))
    if (row.task) way.push({ ...node(`task:${row.task}`, 'task', row.task_code ?? '', row.task_title ?? '', depth), task: row.task, action: row.action })
    way.push(node(`person:${row.person}`, 'person', row.person, row.person_name, depth + 1))
    add(way, row.row)
  }
  // an order stands where tasks stand, its supplier where people stand
  for (const one of suppliers.slice(0, MOST)) {
    const item = one.path?.[0]
    if (!item) continue
    const order = `${one.order}/${one.line}`
    add(
      [
        node(`item:${item.key}`, 'item', item.key, item.name, 0),
        node(`order:${order}`, 'order', one.order, one.item_name, depth),
        node(`supplier:${one.supplier}`, 'supplier', one.supplier, one.supplier_name, depth + 1),
      ],
      `supplier:${order}`,
    )
  }
  const columns = depth + 2
  let height = 1
  for (let column = 0; column < columns; column++) {
    const here = [...nodes.values()].filter((one) => one.column === column)
    const pull = (one: GraphNode) => {
      const from = [...edges.values()].filter((edge) => edge.to === one.id).map((edge) => nodes.get(edge.from)!.place)
      return from.length ? from.reduce((sum, place) => sum + place, 0) / from.length : 0
    }
    here.sort((one, other) => pull(one) - pull(other) || one.key.localeCompare(other.key))
    here.forEach((one, place) => (one.place = place))
    height = Math.max(height, here.length)
  }
  // short columns stand in the middle of the long ones
  for (let column = 0; column < columns; column++) {
    const here = [...nodes.values()].filter((one) => one.column === column)
    for (const one of here) one.place += (height - here.length) / 2
  }
  return { nodes: [...nodes.values()], edges: [...edges.values()], columns, height, left: rows.length - shown.length }
}

const itemsOf = (row: ImpactRow) => (row.path ?? []).filter((step) => !['task', 'person', 'goal', 'criterion'].includes(step.kind))
const node = (id: string, kind: GraphNode['kind'], key: string, name: string, column: number): GraphNode => ({ id, kind, key, name, column, place: 0 })

/** The nodes on a way through `id`: everything that leads to it, and everything it leads to. */
export function through(graph: Graph, id: string): Set<string> {
  const found = new Set([id])
  const walk = (from: 'from' | 'to', to: 'from' | 'to') => {
    const waiting = [id]
    while (waiting.length) {
      const at = waiting.pop()
      for (const edge of graph.edges) if (edge[from] === at && !found.has(edge[to])) (found.add(edge[to]), waiting.push(edge[to]))
    }
  }
  walk('to', 'from')
  walk('from', 'to')
  return found
}
