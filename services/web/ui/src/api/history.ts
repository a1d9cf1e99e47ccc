// A project, a person or a task as of a past moment, with every later change.
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { goals } from './clients'
import { unwrap } from './http'
import type { components } from './schema/goals'

type Schemas = components['schemas']
export type LaterChange = Schemas['LaterChange']
export type LaterTask = Schemas['LaterTask']
export type Difference = Schemas['DifferenceReply']
export type Cause = Schemas['CauseReply']
export type PastProject = Schemas['PastProject']

type Moment = MaybeRefOrGetter<string | undefined>

/** What was does not move: only what came later grows, and the page asks again when it is told so. */
const options = (at: Moment) => ({ enabled: computed(() => Boolean(toValue(at))), placeholderData: keepPreviousData, staleTime: 60_000, refetchInterval: false as const })

export function useProjectAsOf(project: MaybeRefOrGetter<string>, at: Moment) {
  return useQuery({
    queryKey: ['history', 'project', project, at],
    queryFn: () => unwrap(goals.GET('/api/goals/history/projects/{project}', { params: { path: { project: toValue(project) }, query: { as_of: toValue(at)! } } })),
    ...options(at),
  })
}

export function usePersonAsOf(person: MaybeRefOrGetter<string>, at: Moment) {
  return useQuery({
    queryKey: ['history', 'person', person, at],
    queryFn: () => unwrap(goals.GET('/api/goals/history/people/{person}', { params: { path: { person: toValue(person) }, query: { as_of: toValue(at)! } } })),
    ...options(at),
  })
}

export function useTaskAsOf(task: MaybeRefOrGetter<string>, at: Moment) {
  return useQuery({
    queryKey: ['history', 'task', task, at],
    queryFn: () => unwrap(goals.GET('/api/goals/history/tasks/{task}', { params: { path: { task: toValue(task) }, query: { as_of: toValue(at)! } } })),
    ...options(at),
  })
}
