// When goals and projects begin and end on a timeline, how far they are, and the changes that have reached their tasks.
import type { Board, BoardTask } from '@/api/boards'
import { toDate } from '@/lib/format'

export interface Span {
  key: string
  title: string
  progress: string | null
  /** Milliseconds, as of `Date.getTime`. */
  start: number
  end: number
  late: boolean
  locked: boolean
}

export const tasksOf = (board: Board): BoardTask[] => board.goals.flatMap((goal) => goal.tasks)

function spanOf(key: string, title: string, progress: string | null, all: readonly BoardTask[], ...ends: (string | null)[]): Span {
  const tasks = all.filter((task) => task.state !== 'cancelled')
  const times = [...ends, ...tasks.flatMap((task) => [task.starts_at, task.due_at])].map(toDate).filter((date) => date !== undefined).map((date) => date.getTime())
  return { key, title, progress, start: Math.min(...times), end: Math.max(...times), late: tasks.some((task) => task.state === 'active' && task.days_late > 0), locked: tasks.some((task) => task.locks.length) }
}

const drawable = (spans: Span[]) => spans.filter((span) => Number.isFinite(span.start))

export const goalSpans = (board: Board): Span[] => drawable(board.goals.map((goal) => spanOf(goal.goal, goal.title, goal.progress, goal.tasks)))

export const projectSpans = (boards: readonly Board[]): Span[] =>
  drawable(boards.map((board) => spanOf(board.project.project, board.project.name, board.project.progress, tasksOf(board), board.project.starts_at, board.project.due_at)))

export const causesOf = (tasks: readonly BoardTask[]): Set<string> => new Set(tasks.flatMap((task) => [...task.locks.map((lock) => lock.change), ...(task.retest ? [task.retest.change] : [])]))
