// A template while it is edited: a copy of its own, and what a new task begins with.
import type { Template, TemplateBody, TemplateGoal, TemplateTask } from '@/api/templates'

export interface Draft extends TemplateBody {
  template?: string
  goals: TemplateGoal[]
}

export function draftOf(one: Template): Draft {
  const goals = JSON.parse(JSON.stringify(one.goals)) as TemplateGoal[]
  return { template: one.template, project_type: one.project_type, name: one.name, description: one.description, version: one.version, goals }
}

/** Parts have ids only while the page is open. */
const without = (goals: TemplateGoal[]) => JSON.parse(JSON.stringify(goals, (name, value: unknown) => (name === 'id' ? undefined : value))) as TemplateGoal[]

export function bodyOf({ project_type, name, description, version, goals }: Draft): TemplateBody {
  return { project_type: project_type.trim(), name: name.trim(), description, version, goals: without(goals) }
}

/** The next free two-digit key. */
export function nextKey(goals: readonly TemplateGoal[]): string {
  const taken = new Set(goals.flatMap((goal) => goal.tasks ?? []).map((task) => task.key))
  let number = 1
  while (taken.has(String(number).padStart(2, '0'))) number++
  return String(number).padStart(2, '0')
}

/** A task after all that are there: it begins when the last one of its goal ends. */
export function newTask(goals: readonly TemplateGoal[], goal: TemplateGoal, title: string): TemplateTask {
  const ends = Math.max(0, ...(goal.tasks ?? []).map((task) => (task.start_day ?? 0) + (task.days ?? 5)))
  return { key: nextKey(goals), title, kind: 'develop', start_day: ends, days: 5, weight: null, planned_hours: null, after: [], deliverables: [] }
}
