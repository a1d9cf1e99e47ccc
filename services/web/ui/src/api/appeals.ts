// Appeals of adjustments and scores, and the record of every moved target.
import { type MaybeRefOrGetter, toValue } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { changes } from './clients'
import { json, unwrap } from './http'
import type { components } from './schema/changes'

type Schemas = components['schemas']
export type Appeal = Schemas['AppealReply']
export type AppealSummary = Schemas['AppealSummary']
export type AppealIn = Schemas['AppealIn']
export type AppealDecisionIn = Schemas['AppealDecisionIn']
export type RecordLine = Schemas['RecordLine']

const at = (appeal: string) => ({ params: { path: { appeal } } })

/** What the reader may see of one task or matrix, or of everything. */
export const useAppeals = (of: MaybeRefOrGetter<{ task?: string; matrix?: string }> = {}, asked: MaybeRefOrGetter<boolean> = true) =>
  useQuery({
    queryKey: ['appeals', of],
    enabled: () => toValue(asked),
    queryFn: () => unwrap(changes.GET('/api/changes/appeals', { params: { query: toValue(of) } })).then((list) => list.appeals),
  })
export const useAppeal = (appeal: MaybeRefOrGetter<string>) =>
  useQuery({ queryKey: ['appeal', appeal], queryFn: () => unwrap(changes.GET('/api/changes/appeals/{appeal}', at(toValue(appeal)))) })

export const fileAppeal = (body: AppealIn) => unwrap(changes.POST('/api/changes/appeals', { body }))
export const admitAppeal = (appeal: string, body: Schemas['AdmissionIn']) => unwrap(changes.POST('/api/changes/appeals/{appeal}/admission', { ...at(appeal), body }))
export const sayInAppeal = (appeal: string, words: string) => unwrap(changes.POST('/api/changes/appeals/{appeal}/statements', { ...at(appeal), body: { words } }))
export const freezeEvidence = (appeal: string, version: number) => unwrap(changes.POST('/api/changes/appeals/{appeal}/freeze', { ...at(appeal), body: { version } }))
export const decideAppeal = (appeal: string, body: AppealDecisionIn) => unwrap(changes.POST('/api/changes/appeals/{appeal}/decision', { ...at(appeal), body }))
export const recordResult = (appeal: string, version: number, result: string) => unwrap(changes.POST('/api/changes/appeals/{appeal}/result', { ...at(appeal), body: { version, result } }))
export const acknowledgeAppeal = (appeal: string, body: Schemas['AcknowledgementIn']) => unwrap(changes.POST('/api/changes/appeals/{appeal}/acknowledgement', { ...at(appeal), body }))
export const withdrawAppeal = (appeal: string, version: number) => unwrap(changes.POST('/api/changes/appeals/{appeal}/withdrawal', { ...at(appeal), body: { version } }))
export const appointHandler = (appeal: string, version: number, person: string) => unwrap(changes.POST('/api/changes/appeals/{appeal}/handler', { ...at(appeal), body: { version, person } }))
export function addAppealFile(appeal: string, file: File): Promise<Appeal> {
  const form = new FormData()
  form.append('file', file)
  return json(`/api/changes/appeals/${appeal}/files`, { method: 'POST', body: form })
}
export const removeAppealFile = (appeal: string, file: string) => unwrap(changes.DELETE('/api/changes/appeals/{appeal}/files/{file}', { params: { path: { appeal, file } } }))
export const appealFile = (appeal: string, file: string) => `/api/changes/appeals/${appeal}/files/${file}`
export const bundleOf = (appeal: string) => `/api/changes/appeals/${appeal}/bundle`

/** Every moved target of the last days, with what it stands on. */
export function useRecord(days: MaybeRefOrGetter<number>) {
  return useQuery({
    queryKey: ['record', days],
    queryFn: () => unwrap(changes.GET('/api/changes/adjustments', { params: { query: { start: since(toValue(days)) } } })),
    placeholderData: (before) => before,
  })
}
export const since = (days: number) => new Date(Date.now() - days * 86_400_000).toISOString()
