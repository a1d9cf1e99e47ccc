// How what happens to an affected row looks.
import type { Tone } from '@/components/BhStatus.vue'
import type { IconName } from '@/components/icons'

const looks: Record<string, { tone: Tone; icon: IconName }> = {
  lock: { tone: 'red', icon: 'lock' },
  migrate: { tone: 'blue', icon: 'change' },
  retest: { tone: 'amber', icon: 'refresh' },
  inform: { tone: 'gray', icon: 'none' },
}

export const actionLook = (action: string) => looks[action] ?? looks.inform!
