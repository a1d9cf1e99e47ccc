// Answers on retest cards, the shared document with its versions, and files.
import { type MaybeRefOrGetter, toValue } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { feedback } from './clients'
import { json, unwrap } from './http'
import { Problem } from './problem'
import type { components } from './schema/feedback'

type Schemas = components['schemas']
export type Answer = 'confirmed' | 'needs_material' | 'misunderstanding'
export type Answers = Schemas['Answers']
export type SharedDocument = Schemas['Document']
export type Attachment = Schemas['Attachment']

/** Path of an answer: it goes through the outbox, so that a lost connection does not lose it. */
export const answerPath = (task: string) => `/api/feedback/cards/${task}/answers`

const at = (task: MaybeRefOrGetter<string>) => ({ params: { path: { task: toValue(task) } } })

export function useAnswers(task: MaybeRefOrGetter<string>, asked: MaybeRefOrGetter<boolean> = true) {
  return useQuery({ queryKey: ['answers', task], enabled: () => toValue(asked), queryFn: () => unwrap(feedback.GET('/api/feedback/cards/{task}/answers', at(task))) })
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

export function useChangeFiles(change: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: ['attachments', 'change', change],
    queryFn: () => unwrap(feedback.GET('/api/feedback/changes/{change}/attachments', { params: { path: { change: toValue(change) } } })).then((list) => list.attachments),
  })
}

/** A draft is known to feedback a moment after it has been saved: until then the upload is tried again. */
export async function uploadChangeFile(change: string, file: File, tries = 20): Promise<void> {
  const form = new FormData()
  form.append('file', file)
  try {
    await json(`/api/feedback/changes/${change}/attachments`, { method: 'POST', body: form })
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 404 || tries <= 0) throw error
    await new Promise((resolve) => setTimeout(resolve, 200))
    await uploadChangeFile(change, file, tries - 1)
  }
}

export const removeChangeFile = (change: string, id: string) =>
  unwrap(feedback.DELETE('/api/feedback/changes/{change}/attachments/{id}', { params: { path: { change, id } } }))
