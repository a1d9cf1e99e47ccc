// Change orders: the list, one unit, the four-field form with its preview, modules.
import { type MaybeRefOrGetter, toValue } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { changes } from './clients'
import { unwrap } from './http'
import type { components } from './schema/changes'

type Schemas = components['schemas']
export type ChangeSummary = Schemas['ChangeSummary']
export type ChangeDetail = Schemas['ChangeDetail']
export type ImpactRow = Schemas['ImpactRow']
export type Difference = Schemas['Difference']
export type FourFields = Schemas['FourFields']
export type Preview = Schemas['Preview']
export type Module = Schemas['ModuleReply']

export function useChanges(words: MaybeRefOrGetter<string> = '', state: MaybeRefOrGetter<string> = '') {
  return useQuery({ queryKey: ['changes', words, state], queryFn: () => findChanges(toValue(words), toValue(state)), placeholderData: (before) => before })
}

export const findChanges = (words: string, state = '', limit = 100) =>
  unwrap(changes.GET('/api/changes/changes', { params: { query: { q: words || null, state: state || null, limit } } })).then((list) => list.changes)

export function useChange(change: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: ['change', change],
    queryFn: () => unwrap(changes.GET('/api/changes/changes/{change}', { params: { path: { change: toValue(change) } } })),
  })
}

export function useModules() {
  return useQuery({ queryKey: ['modules'], queryFn: () => unwrap(changes.GET('/api/changes/modules')).then((list) => list.modules), refetchInterval: false })
}

export const previewChange = (body: FourFields) => unwrap(changes.POST('/api/changes/changes/preview', { body }))
export const publishChange = (body: FourFields) => unwrap(changes.POST('/api/changes/changes', { body }))

/** Waits until the published change can be read: the same worker that hears the PLM takes it in. */
export async function awaitChange(change: string, tries = 40): Promise<void> {
  for (let left = tries; left > 0; left--) {
    const { response } = await changes.GET('/api/changes/changes/{change}', { params: { path: { change } } })
    if (response.ok) return
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}
