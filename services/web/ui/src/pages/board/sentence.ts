// What a project comes to: the title of its board.
import type { Project } from '@/api/boards'

type Say = (key: string, named: Record<string, unknown>, plural?: number) => string

export function projectSentence(t: Say, project: Project): string {
  const { name, locked, late } = project
  if (locked) return t('board.sentenceLocked', { name, n: locked }, locked)
  if (late) return t('board.sentenceLate', { name, n: late }, late)
  return t('board.sentenceFine', { name })
}
