// What can be edited of each kind of node, as the controls hold it and as the service takes it.
import type { Changes } from '@/api/tree'
import { beginOf } from '@/lib/zone'
import type { Node } from './nodes'

export type Control = 'text' | 'long' | 'weight' | 'number' | 'person' | 'start' | 'end' | 'kind' | 'cycle' | 'tasks'

export interface Field {
  name: string
  control: Control
  /** A frozen goal keeps it. */
  frozen?: boolean
}

export const FIELDS: Record<Node['kind'], readonly Field[]> = {
  goal: [
    { name: 'title', control: 'text' },
    { name: 'weight', control: 'weight', frozen: true },
    { name: 'owner', control: 'person', frozen: true },
    { name: 'cycle', control: 'cycle', frozen: true },
  ],
  task: [
    { name: 'title', control: 'text' },
    { name: 'kind', control: 'kind' },
    { name: 'weight', control: 'weight', frozen: true },
    { name: 'owner', control: 'person', frozen: true },
    { name: 'starts_at', control: 'start', frozen: true },
    { name: 'due_at', control: 'end', frozen: true },
    { name: 'planned_hours', control: 'number' },
    { name: 'module', control: 'text' },
    { name: 'item_version', control: 'text' },
    { name: 'depends_on', control: 'tasks' },
  ],
  deliverable: [
    { name: 'title', control: 'text' },
    { name: 'weight', control: 'weight', frozen: true },
    { name: 'due_at', control: 'end', frozen: true },
  ],
  criterion: [
    { name: 'text', control: 'long' },
    { name: 'metric', control: 'text' },
    { name: 'lower', control: 'number' },
    { name: 'upper', control: 'number' },
    { name: 'unit', control: 'text' },
  ],
}

export type Form = Record<string, string | string[]>
type Source = Record<string, unknown>
type Day = (value: string) => string

export function sourceOf(node: Node): Source {
  const source = node.kind === 'goal' ? node.goal : node.kind === 'task' ? node.task : node.kind === 'deliverable' ? node.deliverable : node.criterion
  return source as unknown as Source
}

export function formOf(node: Node, isoDay: Day): Form {
  return Object.fromEntries(FIELDS[node.kind].map((field) => [field.name, shown(field, sourceOf(node)[field.name], isoDay)]))
}

export function shown(field: Field, value: unknown, isoDay: Day): string | string[] {
  if (field.control === 'tasks') return [...((value as string[] | undefined) ?? [])]
  if (value === null || value === undefined) return ''
  return field.control === 'start' || field.control === 'end' ? isoDay(String(value)) : String(value)
}

const OFFICE = { start: 8.5 * 3_600_000, end: 18 * 3_600_000 }
/** A day keeps the clock time it had; a new one begins or ends with the working day. */
export function instant(day: string, before: unknown, control: 'start' | 'end', isoDay: Day): string {
  const clock = before ? Date.parse(String(before)) - beginOf(isoDay(String(before))).getTime() : OFFICE[control]
  return new Date(beginOf(day).getTime() + clock).toISOString()
}

/** The fields that differ from what the node says now. */
export function changesOf(node: Node, form: Form, isoDay: Day): Changes {
  const source = sourceOf(node)
  const changes: Changes = {}
  for (const field of FIELDS[node.kind]) {
    const typed = form[field.name]!
    if (JSON.stringify(typed) === JSON.stringify(shown(field, source[field.name], isoDay))) continue
    if (Array.isArray(typed)) changes[field.name] = typed
    else if (field.control === 'start' || field.control === 'end') changes[field.name] = typed ? instant(typed, source[field.name], field.control, isoDay) : null
    else changes[field.name] = typed.trim() || null
  }
  return changes
}
