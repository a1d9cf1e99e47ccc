// Answers on retest cards, the shared document with its versions, and files.
import { type MaybeRefOrGetter, toValue } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { feedback } from './clients'
import { json, unwrap } from './http'
import type { components } from './schema/feedback'

type Schemas = components['schemas']
export type Answer = 'confirmed' | 'needs_material' | 'misunderstanding'
export type Answers = Schemas['Answers']
export type SharedDocument = Schemas['Document']
export type Attachment = Schemas['Attachment']

/** Path of an answer: it goes through the outbox, so that a lost connection does not lose it. */
export const answerPath = (task: string) => `/api/feedback/cards/${task}/answers`

const at = (task: MaybeRefOrGetter<string>) => ({ params: { path: { task: toValue(task) } } })

export function useAnswers(task: MaybeRefOrGetter<string>) {
  return useQuery({ queryKey: ['answers', task], queryFn: () => unwrap(feedback.GET('/api/feedback/cards/{task}/answers', at(task))) })
}

export function useDocument(task: MaybeRefOrGetter<string>) {
  return useQuery({ queryKey: ['document', task], queryFn: () => unwrap(feedback.GET('/api/feedback/cards/{task}/document', at(task))) })
}

export function useAttachments(task: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: ['attachments', task],
    queryFn: () => unwrap(feedback.GET('/api/feedback/cards/{task}/attachments', at(task))).then((list) => list.attachments),
  })
}

export const writeDocument = (task: string, body: string, version: number) =>
  unwrap(feedback.PUT('/api/feedback/cards/{task}/document', { ...at(task), body: { body, version } }))

export function uploadFile(task: string, file: File): Promise<{ attachments: Attachment[] }> {
  const form = new FormData()
  form.append('file', file)
  return json(`/api/feedback/cards/${task}/attachments`, { method: 'POST', body: form })
}

export const filePath = (id: string) => `/api/feedback/attachments/${id}`
