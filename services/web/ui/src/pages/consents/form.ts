// What the proposer fills in: adjustments and the four columns, kept as typed until the service takes it.
import type { AdjustmentIn, Compensation, CompensationIn, Matrix, Row, Wording } from '@/api/consents'
import { beginOf } from '@/lib/zone'

export type Field = AdjustmentIn['field']
export const FIELDS: readonly Field[] = ['due_at', 'planned_hours', 'owner']

export interface AdjustmentForm {
  task: string
  field: Field
  /** A day (2026-03-11), hours, or an employee number, as the control holds it. */
  value: string
}

export interface RowForm {
  person: string
  name: string
  foundBy: Row['found_by']
  task: string | null
  taskCode: string | null
  action: string
  hours: string
  kind: CompensationIn['kind'] | ''
  amount: string
  helper: string
  /** A day; empty: the usual term. */
  due: string
}

export interface MatrixForm {
  title: string
  reason: string
  adjustments: AdjustmentForm[]
  rows: RowForm[]
}

const OFFICE_ENDS = 18 * 3_600_000

/** A due day keeps the clock time of the due time before it; else it ends with the working day. */
export function dueAt(day: string, before: string | null | undefined, isoDay: (value: string) => string): string {
  const begin = beginOf(day).getTime()
  const clock = before ? Date.parse(before) - beginOf(isoDay(before)).getTime() : OFFICE_ENDS
  return new Date(begin + clock).toISOString()
}

/** What somebody offers or asks for. */
export type Offer = Pick<RowForm, 'kind' | 'amount' | 'helper' | 'due'>

const officeEnd = (day: string) => new Date(beginOf(day).getTime() + OFFICE_ENDS).toISOString()

/** Rows that only have to know cost nothing until somebody says so. */
const LIGHT = new Set(['lead', 'module'])

export function formOf(matrix: Matrix, isoDay: (value: string) => string, action: (row: Row) => string): MatrixForm {
  return {
    title: matrix.summary.title,
    reason: matrix.reason,
    adjustments: matrix.adjustments.map((one) => ({ task: one.task, field: one.field as Field, value: one.field === 'due_at' ? isoDay(one.new!) : (one.new ?? '') })),
    rows: matrix.rows.map((row) => rowForm(row, action(row), isoDay)),
  }
}

function rowForm(row: Row, action: string, isoDay: (value: string) => string): RowForm {
  const light = LIGHT.has(row.found_by)
  const given = row.compensation
  // a first suggestion: whoever has emptied the column finds it empty
  const untouched = row.hours === null && !given
  return {
    person: row.person,
    name: row.person_name,
    foundBy: row.found_by,
    task: row.task,
    taskCode: row.task_code,
    action: row.action || (untouched ? action : ''),
    hours: row.hours ?? (light ? '0' : ''),
    kind: given?.kind && given.kind !== 'unknown' ? (given.kind as RowForm['kind']) : light ? 'none' : '',
    amount: given && Number(given.amount) ? String(given.amount) : '',
    helper: given?.helper ?? '',
    due: given?.due_at ? isoDay(given.due_at) : '',
  }
}

export function compensationOf(row: Offer): CompensationIn | null {
  if (!row.kind) return null
  return { kind: row.kind, amount: row.kind === 'none' ? '0' : row.amount.trim() || '0', helper: row.kind === 'help' ? row.helper || null : null, due_at: row.due && row.kind !== 'none' ? officeEnd(row.due) : null }
}

export function bodyOf(form: MatrixForm, version: number, change: string | null, valueOf: (one: AdjustmentForm) => string): Wording {
  return {
    version,
    title: form.title.trim(),
    reason: form.reason.trim(),
    change,
    adjustments: form.adjustments.map((one) => ({ task: one.task, field: one.field, new: valueOf(one) })),
    rows: form.rows.map((row) => ({ person: row.person, task: row.task, action: row.action.trim(), hours: row.hours.trim() || null, compensation: compensationOf(row) })),
  }
}

/** A counter-offer in the person's own row becomes the proposer's next wording. */
export function takeCounter(row: RowForm, counter: { hours: string | null; compensation: Compensation | null } | null): void {
  if (!counter) return
  if (counter.hours !== null) row.hours = String(counter.hours)
  if (!counter.compensation || counter.compensation.kind === 'unknown') return
  row.kind = counter.compensation.kind as RowForm['kind']
  row.amount = String(counter.compensation.amount)
  row.helper = counter.compensation.helper ?? ''
}
