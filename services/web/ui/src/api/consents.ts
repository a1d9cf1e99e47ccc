// Impact matrices of goal changes: propose, fill in, ask, answer, decide.
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { since } from './appeals'
import { changes } from './clients'
import { unwrap } from './http'
import type { components } from './schema/changes'

type Schemas = components['schemas']
export type Matrix = Schemas['MatrixReply']
export type MatrixSummary = Schemas['MatrixSummary']
export type Row = Schemas['RowReply']
export type Adjustment = Schemas['AdjustmentReply']
export type AdjustmentIn = Schemas['AdjustmentIn']
export type RowIn = Schemas['RowIn']
export type Compensation = Schemas['Compensation']
export type CompensationIn = Schemas['CompensationIn']
export type Estimate = Schemas['TaskEstimate']
export type EstimateScore = Schemas['EstimateScore']
export type Promise_ = Schemas['CompensationLine']
export type ThreadLine = Schemas['ThreadLine']
export type AnswerIn = Schemas['AnswerIn']
export type Proposal = Schemas['Proposal']
export type Wording = Schemas['Wording']

export const KINDS = ['rest_days', 'bonus_points', 'help', 'moved_deadline', 'none'] as const

export function useMatrices(waiting: MaybeRefOrGetter<boolean>) {
  return useQuery({
    queryKey: ['consents', waiting],
    queryFn: () => unwrap(changes.GET('/api/changes/consents', { params: { query: { waiting: toValue(waiting) } } })).then((list) => list.matrices),
    placeholderData: (before) => before,
  })
}

/** Matrices that one technical change has asked for. */
export function useMatricesOf(change: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: ['consents', 'change', change],
    queryFn: () => unwrap(changes.GET('/api/changes/consents', { params: { query: { change: toValue(change) } } })).then((list) => list.matrices),
  })
}

export function useMatrix(matrix: MaybeRefOrGetter<string>) {
  return useQuery({ queryKey: ['consent', matrix], queryFn: () => unwrap(changes.GET('/api/changes/consents/{matrix}', at(toValue(matrix)))) })
}

/** Hours that tasks like these took, by task; history does not move while somebody reads. */
export function useEstimates(tasks: MaybeRefOrGetter<(string | null | undefined)[]>) {
  const wanted = computed(() => [...new Set(toValue(tasks).filter((one): one is string => Boolean(one)))].sort())
  const query = useQuery({
    queryKey: ['estimates', wanted],
    queryFn: () => unwrap(changes.GET('/api/changes/estimates', { params: { query: { task: wanted.value } } })).then((list) => list.estimates),
    enabled: computed(() => wanted.value.length > 0),
    staleTime: Infinity,
    refetchInterval: false,
    placeholderData: (before) => before,
  })
  return computed(() => new Map((query.data.value ?? []).map((one) => [one.task, one])))
}

/** How often P20 to P80 held what a task took. */
export function useEstimateScore(days: MaybeRefOrGetter<number>) {
  return useQuery({
    queryKey: ['estimates', 'score', days],
    queryFn: () => unwrap(changes.GET('/api/changes/estimates/score', { params: { query: { start: since(toValue(days)) } } })),
    placeholderData: (before) => before,
  })
}

export type Side = 'mine' | 'owing' | 'all'

/** What settled matrices owe: to the reader, by the reader, or of everybody whom the reader may see. */
export function useCompensations(side: MaybeRefOrGetter<Side>, ended: MaybeRefOrGetter<boolean>) {
  return useQuery({
    queryKey: ['compensations', side, ended],
    queryFn: () => unwrap(changes.GET('/api/changes/compensations', { params: { query: { side: toValue(side), ended: toValue(ended) } } })),
    placeholderData: (before) => before,
  })
}
const promised = (row: string) => ({ params: { path: { row } } })
export const giveCompensation = (row: string, note: string) => unwrap(changes.POST('/api/changes/compensations/{row}/given', { ...promised(row), body: { note } }))
export const contestCompensation = (row: string, words: string) => unwrap(changes.POST('/api/changes/compensations/{row}/contested', { ...promised(row), body: { words } }))
export const receiveCompensation = (row: string) => unwrap(changes.POST('/api/changes/compensations/{row}/received', promised(row)))

const at = (matrix: string) => ({ params: { path: { matrix } } })
const atRow = (matrix: string, row: string) => ({ params: { path: { matrix, row } } })

export const propose = (body: Proposal) => unwrap(changes.POST('/api/changes/consents', { body }))
export const word = (matrix: string, body: Wording) => unwrap(changes.PUT('/api/changes/consents/{matrix}', { ...at(matrix), body }))
export const sendMatrix = (matrix: string, version: number) => unwrap(changes.POST('/api/changes/consents/{matrix}/send', { ...at(matrix), body: { version } }))
export const withdrawMatrix = (matrix: string, version: number) => unwrap(changes.POST('/api/changes/consents/{matrix}/withdraw', { ...at(matrix), body: { version } }))
export const answerRow = (matrix: string, row: string, body: AnswerIn) => unwrap(changes.POST('/api/changes/consents/{matrix}/rows/{row}/answer', { ...atRow(matrix, row), body }))
export const decideRow = (matrix: string, row: string, revision: number, reason: string) =>
  unwrap(changes.POST('/api/changes/consents/{matrix}/rows/{row}/decide', { ...atRow(matrix, row), body: { revision, reason } }))
export const confirmReceived = (matrix: string, row: string) => unwrap(changes.POST('/api/changes/consents/{matrix}/rows/{row}/received', atRow(matrix, row)))
