// The clocks of a change, and metrics over time.
import { type MaybeRefOrGetter, toValue } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { analytics } from './clients'
import { unwrap } from './http'
import type { components } from './schema/analytics'

export type Clock = components['schemas']['Clock']
export type MetricSeries = components['schemas']['MetricSeries']

/** Asked for once the change acts: before that it has no clock. */
export function useClock(change: MaybeRefOrGetter<string>, acts: () => boolean) {
  return useQuery({
    queryKey: ['clock', change],
    queryFn: () => unwrap(analytics.GET('/api/analytics/changes/{change}/clock', { params: { path: { change: toValue(change) } } })),
    enabled: acts,
  })
}

export function useMetric(metric: 'release_to_first_retest_report' | 'release_to_last_delivery') {
  return useQuery({
    queryKey: ['metric', metric],
    queryFn: () => unwrap(analytics.GET('/api/analytics/metrics/{metric}', { params: { path: { metric } } })),
  })
}
