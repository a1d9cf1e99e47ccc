// Tasks, this week, and what a change did to them.
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { useQueries, useQuery } from '@tanstack/vue-query'
import { goals } from './clients'
import { unwrap } from './http'
import type { components } from './schema/goals'

type Schemas = components['schemas']
export type Task = Schemas['TaskReply']
export type TaskCard = Schemas['TaskCard']
export type Week = Schemas['Week']
export type DeliverableThisWeek = Schemas['DeliverableThisWeek']
export type ProjectWeight = Schemas['ProjectWeight']
export type Criterion = Schemas['Criterion']
export type Lock = Schemas['TaskLock']
export type Effects = Schemas['Effects']
export type TargetHistory = Schemas['TargetHistory']
export type TargetChange = Schemas['TargetChange']
export type Evidence = Schemas['Evidence']
export type LockDecision = Schemas['LockDecision']
export type LockRequest = Schemas['LockRequest']

export function useWeek(person: MaybeRefOrGetter<string | undefined>) {
  return useQuery({
    queryKey: ['week', person],
    queryFn: () => unwrap(goals.GET('/api/goals/week', { params: { query: { person: toValue(person) ?? null } } })),
  })
}

export function useTask(task: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: ['task', task],
    queryFn: () => unwrap(goals.GET('/api/goals/tasks/{task}', { params: { path: { task: toValue(task) } } })),
  })
}

const effectsOf = (change: string) => ({
  queryKey: ['effects', change],
  queryFn: () => unwrap(goals.GET('/api/goals/changes/{change}/effects', { params: { path: { change } } })),
})

export function useEffects(change: MaybeRefOrGetter<string>) {
  return useQuery(computed(() => effectsOf(toValue(change))))
}

/** The effects of several changes at once, by change. */
export function useEffectsOf(changes: MaybeRefOrGetter<readonly string[]>) {
  const results = useQueries({ queries: computed(() => toValue(changes).map(effectsOf)) })
  return computed(() => new Map(toValue(changes).map((change, index) => [change, results.value[index]?.data as Effects | undefined])))
}

export const bookHours = (task: string, hours: string, note?: string) =>
  unwrap(goals.POST('/api/goals/tasks/{task}/progress', { params: { path: { task } }, body: { hours, note: note || null } }))

export const activate = (task: string, version: number) =>
  unwrap(goals.POST('/api/goals/tasks/{task}/activate', { params: { path: { task } }, body: { version } }))

export const decideLock = (task: string, lock: string, body: LockDecision) =>
  unwrap(goals.POST('/api/goals/tasks/{task}/locks/{lock}/decision', { params: { path: { task, lock } }, body }))

export const askForLock = (task: string, lock: string, body: LockRequest) =>
  unwrap(goals.POST('/api/goals/tasks/{task}/locks/{lock}/request', { params: { path: { task, lock } }, body }))
