// Change orders: the list, one unit, the four-field form with its preview, modules.
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { changes } from './clients'
import { unwrap } from './http'
import type { components } from './schema/changes'

type Schemas = components['schemas']
export type ChangeSummary = Schemas['ChangeSummary']
export type ChangeDetail = Schemas['ChangeDetail']
export type ImpactRow = Schemas['ImpactRow']
export type SupplierRow = Schemas['SupplierRow']
export type Difference = Schemas['Difference']
export type FourFields = Schemas['FourFields']
export type Preview = Schemas['Preview']
export type Module = Schemas['ModuleReply']

export function useChanges(words: MaybeRefOrGetter<string> = '', state: MaybeRefOrGetter<string> = '') {
  return useQuery({ queryKey: ['changes', words, state], queryFn: () => findChanges(toValue(words), toValue(state)), placeholderData: (before) => before })
}

export const findChanges = (words: string, state = '', limit = 100) =>
  unwrap(changes.GET('/api/changes/changes', { params: { query: { q: words || null, state: state || null, limit } } })).then((list) => list.changes)

export function useChange(change: MaybeRefOrGetter<string>, wanted: MaybeRefOrGetter<boolean> = true) {
  return useQuery({
    queryKey: ['change', change],
    enabled: computed(() => toValue(wanted)),
    queryFn: () => unwrap(changes.GET('/api/changes/changes/{change}', { params: { path: { change: toValue(change) } } })),
  })
}

export function useModules() {
  return useQuery({ queryKey: ['modules'], queryFn: () => unwrap(changes.GET('/api/changes/modules')).then((list) => list.modules), refetchInterval: false })
}

export const previewChange = (body: FourFields) => unwrap(changes.POST('/api/changes/changes/preview', { body }))
export const publishChange = (body: FourFields) => unwrap(changes.POST('/api/changes/changes', { body }))

/** Waits until the published change can be read: the same worker that hears the PLM takes it in. */
export async function awaitChange(change: string, number: string, tries = 40): Promise<void> {
  for (let left = tries; left > 0; left--) {
    const { data } = await changes.GET('/api/changes/changes', { params: { query: { q: number } } })
    if (data?.changes.some((one) => one.change === change)) return
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

// ── the steps of an order ──
export type Step = 'submit' | 'withdraw' | 'approve' | 'send_back' | 'release' | 'cancel' | 'close' | 'revise'
export type Base = Schemas['BaseReply']
export type DraftEdit = Schemas['Edit']

const of = (change: string) => ({ path: { change } })

/** Whether this company's form publishes by itself. */
export function useFormSettings() {
  return useQuery({ queryKey: ['change-form'], queryFn: () => unwrap(changes.GET('/api/changes/form')), refetchInterval: false })
}

export const draftChange = (body: FourFields) => unwrap(changes.POST('/api/changes/changes/drafts', { body }))
export const editChange = (change: string, body: DraftEdit) => unwrap(changes.PUT('/api/changes/changes/{change}', { params: of(change), body }))
export const takeStep = (change: string, step: Step, version: number, reason: string | null = null) =>
  unwrap(changes.POST('/api/changes/changes/{change}/steps/{step}', { params: { path: { change, step } }, body: { version, reason } }))

/** What other changes did to the base of this one. */
export function useBase(change: MaybeRefOrGetter<string>) {
  return useQuery({ queryKey: ['change', change, 'base'], queryFn: () => unwrap(changes.GET('/api/changes/changes/{change}/base', { params: of(toValue(change)) })) })
}

export const rebaseChange = (change: string, version: number, newVersion: string, keep: Record<string, 'mine' | 'theirs'>) =>
  unwrap(changes.POST('/api/changes/changes/{change}/rebase', { params: of(change), body: { version, new_version: newVersion, keep } }))

// ── suspect links ──
export type Suspect = Schemas['Suspect']

export function useSuspects(change: MaybeRefOrGetter<string>) {
  return useQuery({ queryKey: ['change', change, 'suspects'], queryFn: () => unwrap(changes.GET('/api/changes/changes/{change}/suspects', { params: of(toValue(change)) })) })
}

export const clearSuspects = (change: string, links: string[], reason: string) =>
  unwrap(changes.POST('/api/changes/changes/{change}/suspects/clear', { params: of(change), body: { links, reason } }))
