// Goals that reach no deliverable of this week.
import { type MaybeRefOrGetter, toValue } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { goals } from './clients'
import { unwrap } from './http'

export function useGaps(project: MaybeRefOrGetter<string | undefined>) {
  return useQuery({ queryKey: ['week', 'gaps', project], queryFn: () => unwrap(goals.GET('/api/goals/gaps', { params: { query: { project: toValue(project) ?? null } } })) })
}
