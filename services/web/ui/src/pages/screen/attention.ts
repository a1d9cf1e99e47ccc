// What of a project needs eyes on a big screen, gravest first: locked, late, retests without an answer, then what is due next.
import type { Board, BoardTask } from '@/api/boards'

export const openTasks = (board: Board): BoardTask[] => board.goals.flatMap((goal) => goal.tasks).filter((task) => task.state === 'active')

function gravity(task: BoardTask): number {
  if (task.locks.length) return 0
  if (task.days_late > 0) return 1
  if (task.retest) return task.retest.answer ? 3 : 2
  return 4
}

export function byNeed(tasks: readonly BoardTask[]): BoardTask[] {
  return [...tasks].sort((a, b) => gravity(a) - gravity(b) || b.days_late - a.days_late || (a.due_at ?? '9').localeCompare(b.due_at ?? '9') || a.code.localeCompare(b.code))
}
