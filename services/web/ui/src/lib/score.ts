// How a figure of somebody's own page is named where it is contested: metric, value and period.
import { useI18n } from 'vue-i18n'
import type { Benchmark, Benchmarks } from '@/api/ownGoals'
import { figure, useFormat } from './format'

export function useScoreName() {
  const { t } = useI18n()
  const { isoDay } = useFormat()
  return (one: Benchmark, period: Pick<Benchmarks, 'starts_at' | 'ends_at'>) =>
    t('ownGoal.scored', {
      metric: t(`ownGoal.metric.${one.metric}`),
      value: figure(one.own?.value),
      unit: t(`ownGoal.unit.${one.unit === '%' ? 'percent' : 'days'}`),
      from: isoDay(period.starts_at),
      to: isoDay(new Date(new Date(period.ends_at).getTime() - 1)),
    })
}
