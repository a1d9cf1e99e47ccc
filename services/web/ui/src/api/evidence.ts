// Evidence other than reports on a task's card, and where evidence belongs that names no task.
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { keepPreviousData, useQuery } from '@tanstack/vue-query'
import { goals } from './clients'
import { json, unwrap } from './http'
import type { components } from './schema/goals'

type Schemas = components['schemas']
export type Proofs = Schemas['Proofs']
export type Proof = Schemas['ProofReply']
export type Needs = Schemas['CriterionNeeds']
export type Place = Schemas['PlaceReply']
export type DoubtfulReport = Schemas['DoubtfulReport']

const of = (task: string, criterion: string) => ({ params: { path: { task, criterion } } })

export function useProofs(task: MaybeRefOrGetter<string>) {
  return useQuery({ queryKey: ['task', task, 'evidence'], queryFn: () => unwrap(goals.GET('/api/goals/tasks/{task}/evidence', { params: { path: { task: toValue(task) } } })) })
}

export function usePlaces(words: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: ['places', words],
    queryFn: () => unwrap(goals.GET('/api/goals/evidence/places', { params: { query: { words: toValue(words) } } })),
    enabled: computed(() => toValue(words).length > 1),
    placeholderData: keepPreviousData,
  })
}

export function useDoubts() {
  return useQuery({ queryKey: ['doubts'], queryFn: () => unwrap(goals.GET('/api/goals/evidence/reports')).then((list) => list.reports) })
}

export const tick = (task: string, criterion: string, version: number, ticked: number[]) =>
  unwrap(goals.PUT('/api/goals/tasks/{task}/criteria/{criterion}/checklist', { ...of(task, criterion), body: { version, ticked } }))
export const approve = (task: string, criterion: string, version: number, approved: boolean, reason: string) =>
  unwrap(goals.POST('/api/goals/tasks/{task}/criteria/{criterion}/approval', { ...of(task, criterion), body: { version, approved, reason } }))
export const nameCommit = (task: string, criterion: string, version: number, address: string, title: string) =>
  unwrap(goals.POST('/api/goals/tasks/{task}/criteria/{criterion}/commits', { ...of(task, criterion), body: { version, address, title } }))
export const placeProof = (task: string, proof: string, criterion: string) =>
  unwrap(goals.POST('/api/goals/tasks/{task}/evidence/{proof}/place', { params: { path: { task, proof } }, body: { criterion } }))
export const placeReport = (report: string, task: string) =>
  unwrap(goals.POST('/api/goals/evidence/reports/{report}/task', { params: { path: { report } }, body: { task } }))

/** A file for one criterion: it goes to the card, and the card's evidence follows by itself. */
export function uploadEvidence(task: string, criterion: string, file: File): Promise<unknown> {
  const form = new FormData()
  form.append('file', file)
  return json(`/api/feedback/cards/${task}/attachments?criterion=${criterion}`, { method: 'POST', body: form })
}
