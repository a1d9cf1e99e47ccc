// Urgent customer requests, and what unplanned work each person carried.
import { type MaybeRefOrGetter, toValue } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { goals } from './clients'
import { unwrap } from './http'
import type { components } from './schema/goals'

type Schemas = components['schemas']
export type UrgentRequest = Schemas['RequestReply']
export type Load = Schemas['LoadReply']
export type ProjectChoice = Schemas['ProjectChoice']

export function useRequests(months: MaybeRefOrGetter<number>) {
  return useQuery({
    queryKey: ['week', 'requests', months],
    queryFn: () => unwrap(goals.GET('/api/goals/requests', { params: { query: { months: toValue(months) } } })),
    placeholderData: (before) => before,
  })
}

export const bookRequest = (body: Schemas['RequestIn']) => unwrap(goals.POST('/api/goals/requests', { body }))

export const placeRequest = (request: string, project: string) =>
  unwrap(goals.POST('/api/goals/requests/{request}/project', { params: { path: { request } }, body: { project } }))

export const weighTask = (task: string, revision: number, weight: string) =>
  unwrap(goals.PATCH('/api/goals/tasks/{task}', { params: { path: { task } }, body: { revision, weight } as Schemas['TaskEdit'] }))
