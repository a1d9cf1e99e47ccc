// What the week comes to: the title's sentence, and how each deliverable stands.
import type { DeliverableThisWeek, Task, Week } from '@/api/goals'
import { statusOf, type Status } from '@/lib/task'
import { dayAfter, dayNumber, instant, wall, weekdayOf } from '@/lib/zone'

/** A deliverable stands like its task, without the retest that it is not. */
export function deliverableStatus(one: DeliverableThisWeek, reader: string): Status {
  const standing = { state: one.state, days_late: one.days_late, locks: one.locks, progress: one.progress, retest: null, owner: reader, starts_at: null }
  return statusOf({ ...standing, deliverables: [{ deliverable: one.task, title: one.title, weight: null, due_at: one.due_at, criteria: one.criteria }] }, reader)
}

export interface Sentence {
  open: number
  locked: number
  verified: number
  retests: number
}

export function countWeek(week: Pick<Week, 'deliverables' | 'retest_cards'>): Sentence {
  const open = week.deliverables.filter((one) => one.state !== 'done')
  return {
    open: open.length,
    locked: open.filter((one) => one.locked).length,
    verified: week.deliverables.length - open.length,
    retests: week.retest_cards.filter((card: Task) => card.state !== 'done').length,
  }
}

/** ISO 8601 week number. */
export function weekNumber(date: Date): number {
  const thursday = dayAfter(date, 4 - weekdayOf(date))
  const newYear = instant(wall(thursday).year, 1, 1)
  return Math.floor((dayNumber(thursday) - dayNumber(newYear)) / 7) + 1
}
