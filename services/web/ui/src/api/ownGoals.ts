// Benchmarks of somebody's work, and own goals with their threads.
import { type MaybeRefOrGetter, toValue } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { goals } from './clients'
import { unwrap } from './http'
import type { components } from './schema/goals'

type Schemas = components['schemas']
export type Benchmark = Schemas['Benchmark']
export type Benchmarks = Schemas['Benchmarks']
export type OwnGoal = Schemas['OwnGoalReply']
export type Act = Schemas['Act']

export function useBenchmarks(person: MaybeRefOrGetter<string | undefined>) {
  return useQuery({
    queryKey: ['benchmarks', person],
    queryFn: () => unwrap(goals.GET('/api/goals/benchmarks', { params: { query: { person: toValue(person) ?? null } } })),
  })
}

export function useOwnGoals(person: MaybeRefOrGetter<string | undefined>) {
  return useQuery({
    queryKey: ['own-goals', person],
    queryFn: () => unwrap(goals.GET('/api/goals/own-goals', { params: { query: { person: toValue(person) ?? null } } })),
  })
}

export const proposeGoal = (body: Schemas['ProposalIn']) => unwrap(goals.POST('/api/goals/own-goals', { body }))

export const answerGoal = (goal: string, body: Schemas['OwnAnswerIn']) =>
  unwrap(goals.POST('/api/goals/own-goals/{goal}/answers', { params: { path: { goal } }, body }))
