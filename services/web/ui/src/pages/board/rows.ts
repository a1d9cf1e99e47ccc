// A project's tree as the rows of a table: goal → task → deliverable → criterion, folded and filtered.
import type { Board, BoardTask as Task, Goal } from '@/api/boards'
import type { Criterion } from '@/api/goals'
import { toNumber } from '@/lib/format'

export type Filter = 'mine' | 'locked' | 'late'

export interface Row {
  key: string
  level: number
  kind: 'project' | 'goal' | 'task' | 'deliverable' | 'criterion'
  code?: string
  title: string
  weight?: number
  /** The weight was not set by hand: it shares the remainder. */
  shared?: boolean
  progress?: number
  version?: string | null
  owner?: string | null
  due?: string | null
  task?: Task
  criterion?: Criterion
  /** The cycle that a goal is frozen with. */
  frozen?: string
  gone?: boolean
  folds: boolean
  open: boolean
}

/** Weights of siblings in per cent: unset ones share what is left of 100; finished-with ones leave. */
export function sharesOf(weights: readonly (string | null)[]): number[] {
  const given = weights.map(toNumber)
  const unset = given.filter((weight) => weight === undefined).length
  const rest = Math.max(0, 100 - given.reduce<number>((sum, weight) => sum + (weight ?? 0), 0))
  return given.map((weight) => weight ?? rest / unset)
}

export function passes(task: Task, filters: ReadonlySet<Filter>, reader: string): boolean {
  if (filters.has('mine') && task.owner !== reader) return false
  if (filters.has('locked') && task.locks.length === 0) return false
  return !(filters.has('late') && !(task.state === 'active' && task.days_late > 0))
}

export function rowsOf(board: Board, opened: ReadonlySet<string>, filters: ReadonlySet<Filter>, reader: string): Row[] {
  const { project } = board
  const rows: Row[] = [
    { key: project.project, level: 0, kind: 'project', code: project.code, title: project.name, weight: 100, progress: toNumber(project.progress), owner: project.lead_name, due: project.due_at, folds: false, open: true },
  ]
  for (const goal of board.goals) rows.push(...goalRows(goal, opened, filters, reader))
  return rows
}

function goalRows(goal: Goal, opened: ReadonlySet<string>, filters: ReadonlySet<Filter>, reader: string): Row[] {
  const tasks = goal.tasks.filter((task) => passes(task, filters, reader))
  if (filters.size && !tasks.length) return []
  const open = filters.size > 0 || opened.has(goal.goal)
  const row: Row = { key: goal.goal, level: 1, kind: 'goal', title: goal.title, weight: toNumber(goal.share), shared: goal.weight === null, progress: toNumber(goal.progress), owner: goal.owner_name, frozen: goal.frozen ? (goal.cycle_name ?? '') : undefined, gone: goal.state === 'cancelled', folds: tasks.length > 0, open }
  const counted = goal.tasks.filter((task) => task.state !== 'cancelled')
  const shares = new Map(sharesOf(counted.map((task) => task.weight)).map((share, index) => [counted[index]!.task, share]))
  return open ? [row, ...tasks.flatMap((task) => taskRows(task, shares.get(task.task), opened))] : [row]
}

function taskRows(task: Task, weight: number | undefined, opened: ReadonlySet<string>): Row[] {
  const open = opened.has(task.task)
  const row: Row = {
    key: task.task, level: 2, kind: 'task', code: task.code, title: task.title, weight, shared: task.weight === null, progress: toNumber(task.progress), version: task.item_version,
    owner: task.owner_name, due: task.due_at, task, folds: task.deliverables.length > 0, open,
  }
  return open ? [row, ...deliverableRows(task)] : [row]
}

function deliverableRows(task: Task): Row[] {
  const shares = sharesOf(task.deliverables.map((one) => one.weight))
  return task.deliverables.flatMap((one, index): Row[] => [
    { key: one.deliverable, level: 3, kind: 'deliverable', title: one.title, weight: shares[index], shared: one.weight === null, due: one.due_at, folds: false, open: true },
    ...one.criteria.map((criterion): Row => ({ key: criterion.criterion, level: 4, kind: 'criterion', title: criterion.text, version: `C${criterion.version}`, criterion, folds: false, open: true })),
  ])
}
