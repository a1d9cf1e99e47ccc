// How a project stands among others: shape, word and colour; the first that holds.
import type { Project } from '@/api/boards'
import type { Tone } from '@/components/BhStatus.vue'
import type { IconName } from '@/components/icons'

export interface Standing {
  tone: Exclude<Tone, 'sig' | 'blue'>
  icon: IconName
  /** Key of its words. */
  words: string
  n: number
}

export function standingOf(project: Project): Standing {
  if (project.state === 'done') return { tone: 'green', icon: 'passed', words: 'boards.state.done', n: 0 }
  if (project.state !== 'active') return { tone: 'gray', icon: 'none', words: `boards.state.${project.state}`, n: 0 }
  if (project.locked) return { tone: 'red', icon: 'lock', words: 'boards.lockedTasks', n: project.locked }
  if (project.late) return { tone: 'amber', icon: 'warning', words: 'boards.lateTasks', n: project.late }
  return { tone: 'green', icon: 'passed', words: 'heat.onTime', n: 0 }
}
