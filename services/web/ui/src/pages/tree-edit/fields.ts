// What can be edited of each kind of node, as the controls hold it and as the service takes it.
import type { Changes } from '@/api/tree'
import { beginOf } from '@/lib/zone'
import type { Node } from './nodes'

export type Control = 'text' | 'long' | 'weight' | 'number' | 'person' | 'start' | 'end' | 'kind' | 'cycle' | 'tasks' | 'proof' | 'lines' | 'role'

export interface Field {
  name: string
  control: Control
  /** A frozen goal keeps it. */
  frozen?: boolean
  /** Only where the criterion is verified in this way. */
  by?: Proof
}

/** How a criterion is verified. */
export const PROOFS = ['measurement', 'checklist', 'approval', 'document', 'statement'] as const
export type Proof = (typeof PROOFS)[number]
/** Who may approve; without one it is the project's lead. */
export const APPROVERS = ['project_lead', 'manager', 'process_owner', 'test_engineer', 'director'] as const

export type Fields = Record<Node['kind'], readonly Field[]>

export const FIELDS: Fields = {
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
    { name: 'kind', control: 'proof' },
    { name: 'metric', control: 'text', by: 'measurement' },
    { name: 'lower', control: 'number', by: 'measurement' },
    { name: 'upper', control: 'number', by: 'measurement' },
    { name: 'unit', control: 'text', by: 'measurement' },
    { name: 'items', control: 'lines', by: 'checklist' },
    { name: 'approver', control: 'role', by: 'approval' },
  ],
}

/** A template has lengths in working days in the place of dates, and nobody's name. */
export const TEMPLATE_FIELDS: Fields = {
  goal: [{ name: 'title', control: 'text' }, { name: 'weight', control: 'weight' }],
  task: [
    { name: 'title', control: 'text' },
    { name: 'key', control: 'text' },
    { name: 'kind', control: 'kind' },
    { name: 'weight', control: 'weight' },
    { name: 'planned_hours', control: 'number' },
    { name: 'start_day', control: 'number' },
    { name: 'days', control: 'number' },
    { name: 'depends_on', control: 'tasks' },
  ],
  deliverable: [{ name: 'title', control: 'text' }, { name: 'weight', control: 'weight' }],
  criterion: FIELDS.criterion,
}

export type Form = Record<string, string | string[]>
type Source = Record<string, unknown>
type Day = (value: string) => string

export function sourceOf(node: Node): Source {
  const source = node.kind === 'goal' ? node.goal : node.kind === 'task' ? node.task : node.kind === 'deliverable' ? node.deliverable : node.criterion
  return source as unknown as Source
}

export function formOf(node: Node, isoDay: Day, fields = FIELDS): Form {
  return Object.fromEntries(fields[node.kind].map((field) => [field.name, shown(field, valueOf(node, field), isoDay)]))
}

/** What the node says; a criterion that names no way of verifying has one all the same. */
function valueOf(node: Node, field: Field): unknown {
  const criterion = node.criterion
  if (field.control === 'proof') return criterion!.kind ?? (criterion!.metric ? 'measurement' : 'statement')
  if (field.control === 'role') return criterion!.approver ?? 'project_lead'
  return sourceOf(node)[field.name]
}

/** The fields that the form shows: those of other ways of verifying are not there. */
export const fieldsOf = (node: Node, form: Form, fields = FIELDS) => fields[node.kind].filter((field) => !field.by || field.by === form.kind)

export function shown(field: Field, value: unknown, isoDay: Day): string | string[] {
  if (field.control === 'tasks') return [...((value as string[] | undefined) ?? [])]
  if (value === null || value === undefined) return ''
  if (field.control === 'lines') return (value as string[]).join('\n')
  return field.control === 'start' || field.control === 'end' ? isoDay(String(value)) : String(value)
}

const OFFICE = { start: 8.5 * 3_600_000, end: 18 * 3_600_000 }
/** A day keeps the clock time it had; a new one begins or ends with the working day. */
export function instant(day: string, before: unknown, control: 'start' | 'end', isoDay: Day): string {
  const clock = before ? Date.parse(String(before)) - beginOf(isoDay(String(before))).getTime() : OFFICE[control]
  return new Date(beginOf(day).getTime() + clock).toISOString()
}

const linesOf = (typed: string) => typed.split('\n').map((line) => line.trim()).filter(Boolean)

/** The fields that differ from what the node says now. */
export function changesOf(node: Node, form: Form, isoDay: Day, fields = FIELDS): Changes {
  const source = sourceOf(node)
  const changes: Changes = {}
  for (const field of fieldsOf(node, form, fields)) {
    const typed = field.control === 'lines' ? linesOf(String(form[field.name])) : form[field.name]!
    const before = field.control === 'lines' ? source[field.name] : shown(field, valueOf(node, field), isoDay)
    if (JSON.stringify(typed) === JSON.stringify(before)) continue
    if (Array.isArray(typed)) changes[field.name] = typed
    else if (field.control === 'start' || field.control === 'end') changes[field.name] = typed ? instant(typed, source[field.name], field.control, isoDay) : null
    else changes[field.name] = typed.trim() || null
  }
  return changes
}
