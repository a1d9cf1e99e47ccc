// What the boards of all projects come to together: the order of need, the nodes that are least on time, where a live change shows.
import type { Board } from '@/api/boards'
import { toNumber } from '@/lib/format'

export type HeatCell = Board['heat'][number]

/** Cells of the same node and kind of work in one, the nodes with the most that came late first. */
export function heatOfAll(boards: readonly Board[]): { cells: HeatCell[]; nodes: string[] } {
  const cells = new Map<string, { node: string; kind: HeatCell['kind']; n: number; inTime: number }>()
  for (const { node, kind, n, on_time } of boards.flatMap((board) => board.heat)) {
    const key = `${node}\n${kind}`
    const cell = cells.get(key) ?? { node, kind, n: 0, inTime: 0 }
    cells.set(key, { ...cell, n: cell.n + n, inTime: cell.inTime + Math.round((n * (toNumber(on_time) ?? 0)) / 100) })
  }
  const missed = new Map<string, number>()
  for (const { node, n, inTime } of cells.values()) missed.set(node, (missed.get(node) ?? 0) + n - inTime)
  const nodes = [...missed.keys()].sort((a, b) => missed.get(b)! - missed.get(a)! || a.localeCompare(b))
  const place = new Map(nodes.map((node, index) => [node, index]))
  return {
    nodes,
    cells: [...cells.values()]
      .sort((a, b) => place.get(a.node)! - place.get(b.node)! || a.kind.localeCompare(b.kind))
      .map(({ node, kind, n, inTime }) => ({ node, kind, n, on_time: n ? String((inTime / n) * 100) : null })),
  }
}

/** The rows that wash for what has just changed: its own, or the nearest above it that is not folded away. */
export function freshRows(boards: readonly Board[], fresh: Iterable<string>, shown: ReadonlySet<string>): Set<string> {
  const wanted = [...fresh]
  if (!wanted.length) return new Set()
  const above = new Map(boards.flatMap(({ project, goals }) => goals.flatMap((goal) => goal.tasks.map((task) => [task.task, [goal.goal, project.project]] as const))))
  return new Set(wanted.flatMap((key) => [key, ...(above.get(key) ?? [])].find((one) => shown.has(one)) ?? []))
}
