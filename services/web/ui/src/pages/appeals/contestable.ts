// What somebody can appeal without a link from it: their own figures and the targets that were moved on their tasks.
import { computed, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useAppeals, useRecord, type AppealIn } from '@/api/appeals'
import { useBenchmarks } from '@/api/ownGoals'
import { isOpen, ofTarget } from '@/lib/appeals'
import { useFormat } from '@/lib/format'
import { useScoreName } from '@/lib/score'
import { useText } from '@/lib/text'
import { useSession } from '@/stores/session'

export interface Contestable {
  key: string
  kind: 'figure' | 'target'
  label: string
  subject: AppealIn['subject']
}

/** Longer ago than the time for appeals reaches, weekends and holidays counted in. */
const DAYS = 40

export function useContestable(): { choices: Ref<Contestable[]>; pending: Ref<boolean> } {
  const { t } = useI18n()
  const { isoDay } = useFormat()
  const text = useText()
  const session = useSession()
  const scoreName = useScoreName()
  const benchmarks = useBenchmarks(undefined)
  const record = useRecord(DAYS)
  const appeals = useAppeals()
  const open = computed(() => (appeals.data.value ?? []).filter((one) => one.appellant === session.id && isOpen(one)))
  const figures = computed<Contestable[]>(() => {
    const found = benchmarks.data.value
    return (found?.metrics ?? [])
      .filter((one) => one.own && !open.value.some((appeal) => appeal.subject.metric === one.metric))
      .map((one) => ({ key: one.metric, kind: 'figure', label: scoreName(one, found!), subject: { kind: 'score', score: scoreName(one, found!), metric: one.metric } }))
  })
  const targets = computed<Contestable[]>(() => {
    const found = new Map<string, Contestable>()
    for (const line of record.data.value?.lines ?? []) {
      const cause = line.matrix ?? line.cause
      if (line.person !== session.id || !cause || ofTarget(open.value, line.task, cause).length) continue
      const moved = line.changes.map((one) => t(`task.target.${one.field}`)).join(t('list.and'))
      const label = t('appeal.movedBy', { task: `${line.task_code} ${text(line.task_title)}`, target: moved, cause: line.cause_number ?? '', day: isoDay(line.at) })
      const key = `${line.task}:${cause}`
      if (!found.has(key)) found.set(key, { key, kind: 'target', label, subject: { kind: 'target', task: line.task, cause } })
    }
    return [...found.values()]
  })
  return {
    choices: computed(() => [...figures.value, ...targets.value]),
    pending: computed(() => benchmarks.isPending.value || record.isPending.value || appeals.isPending.value),
  }
}
