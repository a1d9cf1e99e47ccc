// The three classes of an on-time rate, in per cent: 90 and more, 75 to 89, under 75.
import type { IconName } from '@/components/icons'

export interface Heat {
  tone: 'green' | 'amber' | 'red'
  word: 'onTime' | 'watch' | 'low'
  icon: IconName
}

export function heatOf(share: number | undefined): Heat | undefined {
  if (share === undefined) return undefined
  // classed by the figure that is shown, so 89.6 reads 90 and is on time
  const shown = Math.round(share)
  if (shown >= 90) return { tone: 'green', word: 'onTime', icon: 'passed' }
  if (shown >= 75) return { tone: 'amber', word: 'watch', icon: 'warning' }
  return { tone: 'red', word: 'low', icon: 'failed' }
}
