// Progress as it was before the last live change of a task, a goal or a project.
import { ref, watch, type Ref } from 'vue'
import type { Board } from '@/api/boards'
import { toNumber } from '@/lib/format'

function* progresses({ project, goals }: Board): Generator<[string, number | undefined]> {
  yield [project.project, toNumber(project.progress)]
  for (const goal of goals) {
    yield [goal.goal, toNumber(goal.progress)]
    for (const task of goal.tasks) yield [task.task, toNumber(task.progress)]
  }
}

export function useProgressBefore(boards: () => readonly Board[]): Ref<Map<string, number>> {
  const before = ref(new Map<string, number>())
  watch(boards, (now, then) => {
    const unchanged = new Set(then)
    const known = new Map(then.flatMap((board) => [...progresses(board)]))
    for (const board of now)
      if (!unchanged.has(board))
        for (const [key, value] of progresses(board)) {
          const was = known.get(key)
          if (was !== undefined && was !== value) before.value.set(key, was)
        }
  })
  return before
}
