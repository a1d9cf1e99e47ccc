// A project's own fields as the form holds them and as the service takes them.
import type { ProjectRecord } from '@/api/projects'
import { instant } from '../tree-edit/fields'

export const FIELDS = ['name', 'product', 'customer', 'phase', 'lead', 'starts_at', 'due_at'] as const
export type Field = (typeof FIELDS)[number]
export type ProjectForm = Record<Field, string>
type Day = (value: string) => string

const dated = (field: Field) => field === 'starts_at' || field === 'due_at'

export function blank(lead: string): ProjectForm {
  return { name: '', product: '', customer: '', phase: '', lead, starts_at: '', due_at: '' }
}
export function formOf(record: ProjectRecord, isoDay: Day): ProjectForm {
  return Object.fromEntries(FIELDS.map((field) => [field, dated(field) && record[field] ? isoDay(record[field]!) : (record[field] ?? '')])) as ProjectForm
}
export function valueOf(field: Field, typed: string, before: string | null | undefined, isoDay: Day): string | null {
  if (!typed.trim()) return null
  return field === 'starts_at' ? instant(typed, before, 'start', isoDay) : field === 'due_at' ? instant(typed, before, 'end', isoDay) : typed.trim()
}
/** The fields that differ from what the record says. */
export function changesOf(record: ProjectRecord, form: ProjectForm, isoDay: Day): Record<string, unknown> {
  const now = formOf(record, isoDay)
  return Object.fromEntries(FIELDS.filter((field) => form[field].trim() !== now[field]).map((field) => [field, valueOf(field, form[field], record[field], isoDay)]))
}
