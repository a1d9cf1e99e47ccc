// How far a change's loop is, from its order and what goals did with it.
import type { Clock } from '@/api/analytics'
import type { ChangeSummary } from '@/api/changes'
import type { Effects } from '@/api/goals'
import type { Tone } from '@/components/BhStatus.vue'
import type { IconName } from '@/components/icons'
import { loopOf, type LoopFacts, type Stage } from '@/lib/loop'

type Order = Pick<ChangeSummary, 'state' | 'applied_at' | 'closed_at' | 'blocked_by' | 'people'>

export function factsOf(change: Order, effects: Effects | undefined, reader: string): LoopFacts {
  const cards = (effects?.cards ?? []).filter((card) => card.state !== 'cancelled' && card.state !== 'superseded')
  return {
    applied: Boolean(change.applied_at),
    closed: change.state === 'closed',
    cards: cards.length,
    answered: cards.filter((card) => card.retest?.answer || card.state === 'done').length,
    reported: cards.filter((card) => card.state === 'done').length,
    waitingForReader: cards.filter((card) => card.owner === reader && card.state === 'active' && !card.retest?.answer).length,
  }
}

export function loopOfChange(change: Order, effects: Effects | undefined, reader: string): Stage[] {
  const facts = factsOf(change, effects, reader)
  // without the effects at hand nothing is claimed about retests and reports
  return loopOf(effects ? facts : { ...facts, cards: 1, answered: 0, reported: 0 })
}

export function changeLook(change: Order): { tone: Tone; icon: IconName; word: string } {
  if (change.blocked_by) return { tone: 'red', icon: 'failed', word: 'blocked' }
  switch (change.state) {
    case 'closed':
      return { tone: 'green', icon: 'passed', word: 'closed' }
    case 'released':
      return change.applied_at ? { tone: 'blue', icon: 'clock', word: 'looping' } : { tone: 'amber', icon: 'clock', word: 'coming' }
    case 'superseded':
      return { tone: 'gray', icon: 'none', word: 'superseded' }
    case 'cancelled':
      return { tone: 'gray', icon: 'none', word: 'cancelled' }
    case 'review':
      return { tone: 'amber', icon: 'clock', word: 'review' }
  }
  return { tone: 'gray', icon: 'none', word: 'draft' }
}

/** Hours within which the first report is expected. */
export const baselineHours = (times: Clock | undefined) => Math.round((times?.report_baseline ?? 72 * 3600) / 3600)
