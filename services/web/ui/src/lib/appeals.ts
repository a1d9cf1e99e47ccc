// Appeals as pages show them: shape, word and colour of a state, whose step is next, what an appeal is about.
import type { IconName } from '@/components/icons'
import type { Tone } from '@/components/BhStatus.vue'
import type { Appeal, AppealSummary } from '@/api/appeals'

const STAGES = ['filed', 'admitted', 'frozen', 'decided', 'recalculated', 'acknowledged']

/** The way of this appeal: what it has passed, and what is still to come where it goes on. */
export function stagesOf({ summary, thread }: Pick<Appeal, 'summary' | 'thread'>): string[] {
  if (summary.state === 'refused') return ['filed', 'refused']
  if (summary.state === 'withdrawn') return [...STAGES.filter((stage) => thread.some((line) => line.kind === stage)), 'withdrawn']
  return STAGES.filter((stage) => stage !== 'recalculated' || summary.outcome !== 'dismissed')
}

export function appealLook(one: Pick<AppealSummary, 'state' | 'overdue'>): { tone: Tone; icon: IconName } {
  if (one.state === 'acknowledged') return { tone: 'green', icon: 'passed' }
  if (one.state === 'refused') return { tone: 'red', icon: 'failed' }
  if (one.state === 'withdrawn') return { tone: 'gray', icon: 'none' }
  return one.overdue ? { tone: 'red', icon: 'clock' } : { tone: 'amber', icon: 'clock' }
}

const ENDED = ['refused', 'acknowledged', 'withdrawn']
export const isOpen = (one: Pick<AppealSummary, 'state'>) => !ENDED.includes(one.state)

/** The step that is next, as a key of `appeal.next`, and who takes it. */
export function nextStep({ summary, correction }: Pick<Appeal, 'summary' | 'correction'>): { step: string; name: string } {
  const appellant = summary.state === 'recalculated' || (summary.state === 'decided' && summary.outcome === 'dismissed')
  const name = (appellant ? summary.appellant_name : summary.handler_name) ?? ''
  if (summary.state === 'decided') return { step: appellant ? 'dismissed' : correction ? 'correcting' : 'decided', name }
  return { step: !name && isOpen(summary) ? 'unassigned' : summary.state, name }
}

/** Appeals of one moved target. */
export const ofTarget = (appeals: readonly AppealSummary[] | undefined, task: string, cause: string | null) =>
  (appeals ?? []).filter(({ kind, subject }) => kind === 'target' && subject.task === task && (subject.matrix ?? subject.change) === cause)
