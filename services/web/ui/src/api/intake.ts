// Test reports as people send them, and payloads that intake refused.
import { type MaybeRefOrGetter, toValue } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { intake } from './clients'
import { unwrap } from './http'
import type { components } from './schema/intake'

type Schemas = components['schemas']
export type Refused = Schemas['RefusedReply']
export type RefusedState = 'open' | 'replayed' | 'discarded'

export const sendReport = (body: Schemas['ReportIn']) => unwrap(intake.POST('/api/intake/test-reports', { body }))

export function useRefused(state: MaybeRefOrGetter<RefusedState>) {
  return useQuery({
    queryKey: ['refused', state],
    queryFn: () => unwrap(intake.GET('/api/intake/refused', { params: { query: { state: toValue(state), limit: 200 } } })).then((list) => list.refused),
    placeholderData: (before) => before,
  })
}

/** Still wrong is an answer too: the state stays open and names the field that is wrong now. */
export const replayRefused = (id: string, body: string | null) => unwrap(intake.POST('/api/intake/refused/{id}/replay', { params: { path: { id } }, body: { body } }))
export const discardRefused = (id: string, reason: string) => unwrap(intake.POST('/api/intake/refused/{id}/discard', { params: { path: { id } }, body: { reason } }))
