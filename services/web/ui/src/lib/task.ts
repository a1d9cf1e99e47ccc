// How a task stands, as shape, word and colour; and its criterion and targets in words.
import type { Criterion, Task, TaskCard } from '@/api/goals'
import type { Tone } from '@/components/BhStatus.vue'
import type { IconName } from '@/components/icons'
import { toNumber } from './format'

export interface Status {
  tone: Tone
  icon: IconName
  /** Key of the word under `task.status`. */
  word: string
  n?: number
}

type Standing = Pick<Task, 'state' | 'days_late' | 'locks' | 'progress' | 'retest' | 'owner' | 'starts_at'> & { deliverables?: Task['deliverables'] }

/** The first that holds: finished or gone, locked, waiting for the reader, verify again, late, running. */
export function statusOf(task: Standing, reader: string, now = new Date()): Status {
  switch (task.state) {
    case 'done':
      return { tone: 'green', icon: 'passed', word: 'verified' }
    case 'cancelled':
      return { tone: 'gray', icon: 'none', word: 'cancelled' }
    case 'superseded':
      return { tone: 'gray', icon: 'none', word: 'superseded' }
    case 'draft':
      return { tone: 'gray', icon: 'none', word: 'draft' }
  }
  if (task.locks.length > 0) return { tone: 'red', icon: 'lock', word: 'locked' }
  if (task.retest && !task.retest.answer && task.owner === reader) return { tone: 'sig', icon: 'flag', word: 'waitsForAnswer' }
  if (criteriaOf(task).some((criterion) => criterion.state === 'failed')) return { tone: 'red', icon: 'failed', word: 'failed' }
  if (criteriaOf(task).some((criterion) => criterion.state === 'verify_again')) return { tone: 'amber', icon: 'warning', word: 'verifyAgain' }
  if (task.days_late > 0) return { tone: 'amber', icon: 'warning', word: 'late', n: task.days_late }
  if (task.retest?.answer === 'needs_material') return { tone: 'amber', icon: 'clip', word: 'needsMaterial' }
  if (task.retest?.answer === 'misunderstanding') return { tone: 'amber', icon: 'talk', word: 'misunderstanding' }
  if (task.retest) return task.retest.answer ? { tone: 'blue', icon: 'clock', word: 'testing' } : { tone: 'gray', icon: 'none', word: 'waitsForOwner' }
  if (task.starts_at && new Date(task.starts_at) > now && !toNumber(task.progress)) return { tone: 'gray', icon: 'none', word: 'notStarted' }
  return { tone: 'blue', icon: 'clock', word: 'running' }
}

export function criteriaOf(task: { deliverables?: Task['deliverables'] }): Criterion[] {
  return (task.deliverables ?? []).flatMap((deliverable) => deliverable.criteria)
}

export function criterionText(task: { deliverables?: Task['deliverables'] }): string {
  return criteriaOf(task).map((criterion) => criterion.text).join(' · ')
}

/** The limits of a criterion with its unit: ≥ 6 dB, 10–20 mV. */
export function limitsOf(criterion: Pick<Criterion, 'lower' | 'upper' | 'unit'>): string {
  const lower = toNumber(criterion.lower)
  const upper = toNumber(criterion.upper)
  const unit = criterion.unit ? `\u00a0${criterion.unit}` : ''
  if (lower !== undefined && upper !== undefined) return `${lower}–${upper}${unit}`
  if (lower !== undefined) return `≥ ${lower}${unit}`
  if (upper !== undefined) return `≤ ${upper}${unit}`
  return ''
}

/** Whether a measured value meets the criterion; undefined when it has no limits or the value is no number. */
export function meets(criterion: Pick<Criterion, 'lower' | 'upper'>, value: string): boolean | undefined {
  const lower = toNumber(criterion.lower)
  const upper = toNumber(criterion.upper)
  const number = value.trim() === '' ? undefined : toNumber(value)
  if (number === undefined || (lower === undefined && upper === undefined)) return undefined
  return (lower === undefined || number >= lower) && (upper === undefined || number <= upper)
}

export const barTone = (status: Status): 'blue' | 'amber' | 'green' | 'red' | 'gray' => (status.tone === 'sig' ? 'blue' : status.tone)

/** Concessions that run now: the last word on a lock that is not back, with its end still to come. */
export function concessionsOf(card: Pick<TaskCard, 'lock_history'> & { task: Pick<Task, 'locks' | 'state'> }, now = new Date()): TaskCard['lock_history'] {
  const last = card.lock_history.filter((one, index, all) => all.findIndex((other) => other.lock === one.lock) === index)
  const closed = card.task.state !== 'active' && card.task.state !== 'draft'
  return closed ? [] : last.filter((one) => one.outcome === 'concession' && new Date(one.expires_at!) > now && !card.task.locks.some((lock) => lock.lock === one.lock))
}
