// How the states of an appeal look: shape, word and colour together.
import type { IconName } from '@/components/icons'
import type { Tone } from '@/components/BhStatus.vue'
import type { AppealSummary } from '@/api/appeals'

export const STAGES = ['filed', 'admitted', 'frozen', 'decided', 'recalculated', 'acknowledged'] as const

export function appealLook(one: Pick<AppealSummary, 'state' | 'overdue'>): { tone: Tone; icon: IconName } {
  if (one.state === 'acknowledged') return { tone: 'green', icon: 'passed' }
  if (one.state === 'refused') return { tone: 'red', icon: 'failed' }
  if (one.state === 'withdrawn') return { tone: 'gray', icon: 'none' }
  return one.overdue ? { tone: 'red', icon: 'clock' } : { tone: 'amber', icon: 'clock' }
}
