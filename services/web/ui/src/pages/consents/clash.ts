// Two who write one matrix: its form as parts that can be held against each other, and put together again.
import type { AdjustmentForm, MatrixForm, RowForm } from './form'

export type Parts = Record<string, unknown>
const TARGET = 'target:'
const ROW = 'row:'

export const partsOf = (form: MatrixForm): Parts => ({
  title: form.title,
  reason: form.reason,
  ...Object.fromEntries(form.adjustments.map((one) => [`${TARGET}${one.task}:${one.field}`, one])),
  ...Object.fromEntries(form.rows.map((one) => [`${ROW}${one.person}:${one.task}`, one])),
})

/** What has been taken out stands there as nothing. */
export function formOfParts(parts: Parts): MatrixForm {
  const all = <T>(start: string) => Object.keys(parts).filter((name) => name.startsWith(start) && parts[name]).map((name) => ({ ...(parts[name] as T) }))
  return { title: String(parts.title), reason: String(parts.reason), adjustments: all<AdjustmentForm>(TARGET), rows: all<RowForm>(ROW) }
}
