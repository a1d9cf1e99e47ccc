// Trees of projects as the rows of one table: project → goal → task → deliverable → criterion, folded and filtered.
import type { Board, BoardTask as Task, Goal, Project } from '@/api/boards'
import type { Criterion } from '@/api/goals'
import { toNumber } from '@/lib/format'

export type Filter = 'mine' | 'locked' | 'late'

export interface Row {
  key: string
  parent?: string
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
  /** Where the row's name leads. */
  link?: string
  /** A project among others. */
  project?: Project
  task?: Task
  /** What stands below a project or a goal. */
  tasks?: readonly Task[]
  criterion?: Criterion
  /** The cycle that a goal is frozen with. */
  frozen?: string
  gone?: boolean
  folds: boolean
  open: boolean
  /** It stands here because something below it passes a filter or was looked for. */
  narrowed?: boolean
}

export interface View {
  isOpen: (key: string, level: number, narrowed: boolean) => boolean
  filters: ReadonlySet<Filter>
  reader: string
  /** What has been typed to find by, in lower case. */
  words?: string
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

const holds = (words: string, ...texts: (string | null | undefined)[]) => texts.some((text) => text?.toLowerCase().includes(words))

/** One project's tree below its own row, which cannot be folded. */
export function rowsOf(board: Board, view: View): Row[] {
  return [{ ...projectRow(board.project), weight: 100, folds: false, open: true }, ...goalsOf(board, view)]
}

/** Trees side by side, each below a row that folds it; with a filter, only those in which something passes. A tree may still be on its way. */
export function forestRows(projects: readonly Project[], boards: ReadonlyMap<string, Board>, view: View): Row[] {
  return projects.flatMap((project): Row[] => {
    const board = boards.get(project.project) ?? { project, goals: [], heat: [], remainder: '' }
    const named = !view.words || holds(view.words, project.code, project.name, project.customer)
    const within = named ? { ...view, words: undefined } : view
    const narrowed = within.filters.size > 0 || Boolean(within.words)
    const open = view.isOpen(project.project, 0, narrowed)
    const goals = open || narrowed ? goalsOf(board, within) : []
    if (narrowed && !goals.length) return []
    const row: Row = { ...projectRow(project), link: `/boards/${project.project}`, project, tasks: board.goals.flatMap((goal) => goal.tasks), folds: board.goals.length > 0, open, narrowed }
    return open ? [row, ...goals] : [row]
  })
}

function projectRow(project: Project): Omit<Row, 'folds' | 'open'> {
  return { key: project.project, level: 0, kind: 'project', code: project.code, title: project.name, progress: toNumber(project.progress), owner: project.lead_name, due: project.due_at }
}

function goalsOf(board: Board, view: View): Row[] {
  return board.goals.flatMap((goal) => goalRows(goal, board.project.project, view))
}

function goalRows(goal: Goal, project: string, { isOpen, filters, reader, words }: View): Row[] {
  const named = !words || holds(words, goal.title)
  const tasks = filters.size || !named ? goal.tasks.filter((task) => passes(task, filters, reader) && (named || holds(words!, task.code, task.title, task.owner_name, task.module))) : goal.tasks
  const narrowed = filters.size > 0 || Boolean(words)
  if (narrowed && !tasks.length && !(words && named && !filters.size)) return []
  const open = isOpen(goal.goal, 1, narrowed)
  const row: Row = {
    key: goal.goal, parent: project, level: 1, kind: 'goal', title: goal.title, weight: toNumber(goal.share), shared: goal.weight === null, progress: toNumber(goal.progress), owner: goal.owner_name,
    tasks: goal.tasks, frozen: goal.frozen ? (goal.cycle_name ?? '') : undefined, gone: goal.state === 'cancelled', folds: tasks.length > 0, open, narrowed,
  }
  if (!open) return [row]
  const counted = goal.tasks.filter((task) => task.state !== 'cancelled')
  const shares = new Map(sharesOf(counted.map((task) => task.weight)).map((share, index) => [counted[index]!.task, share]))
  return [row, ...tasks.flatMap((task) => taskRows(task, goal.goal, shares.get(task.task), isOpen))]
}

function taskRows(task: Task, goal: string, weight: number | undefined, isOpen: View['isOpen']): Row[] {
  const open = isOpen(task.task, 2, false)
  const row: Row = {
    key: task.task, parent: goal, level: 2, kind: 'task', code: task.code, title: task.title, weight, shared: task.weight === null, progress: toNumber(task.progress), version: task.item_version,
    owner: task.owner_name, due: task.due_at, link: `/tasks/${task.task}`, task, folds: task.deliverables.length > 0, open,
  }
  return open ? [row, ...deliverableRows(task)] : [row]
}

function deliverableRows(task: Task): Row[] {
  const shares = sharesOf(task.deliverables.map((one) => one.weight))
  return task.deliverables.flatMap((one, index): Row[] => [
    { key: one.deliverable, parent: task.task, level: 3, kind: 'deliverable', title: one.title, weight: shares[index], shared: one.weight === null, due: one.due_at, folds: false, open: true },
    ...one.criteria.map((criterion): Row => ({ key: criterion.criterion, parent: one.deliverable, level: 4, kind: 'criterion', title: criterion.text, version: `C${criterion.version}`, criterion, folds: false, open: true })),
  ])
}

export interface OnTime {
  share?: number
  n: number
}

/** On-time rate below a node, judged as the heat map does: finished in time against all that was finished or is late. */
export function onTimeOf(tasks: readonly Task[], now: number): OnTime {
  let n = 0
  let inTime = 0
  for (const task of tasks) {
    if (!task.due_at || (task.state !== 'active' && task.state !== 'done') || (!task.finished_at && Date.parse(task.due_at) >= now)) continue
    n++
    if (task.days_late <= 0) inTime++
  }
  return { n, share: n ? (inTime / n) * 100 : undefined }
}

/** Where each row stands among its siblings, and how many these are. */
export function placesOf(rows: readonly Row[]): { positions: number[]; sizeOf: (row: Row) => number } {
  const counts = new Map<string, number>()
  const positions = rows.map(({ parent = '' }) => {
    const position = (counts.get(parent) ?? 0) + 1
    counts.set(parent, position)
    return position
  })
  return { positions, sizeOf: (row) => counts.get(row.parent ?? '')! }
}
