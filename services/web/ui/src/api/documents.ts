// Technical documents of projects: sections, versions, differences.
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { changes } from './clients'
import { unwrap } from './http'
import type { components } from './schema/changes'

type Schemas = components['schemas']
export type ProjectDocument = Schemas['DocumentReply']
export type Section = Schemas['SectionReply']

const of = (project: MaybeRefOrGetter<string>) => ({ path: { project: toValue(project) } })

export function useProjectDocument(project: MaybeRefOrGetter<string>, version: MaybeRefOrGetter<number | undefined>) {
  return useQuery({
    queryKey: ['change', 'document', project, version],
    queryFn: () => unwrap(changes.GET('/api/changes/projects/{project}/document', { params: { ...of(project), query: { version: toValue(version) ?? null } } })),
    placeholderData: (before) => before,
  })
}

export function useDocumentDifference(project: MaybeRefOrGetter<string>, pair: MaybeRefOrGetter<{ old: number; new: number } | undefined>) {
  return useQuery({
    queryKey: ['change', 'document', project, 'difference', pair],
    enabled: computed(() => toValue(pair) !== undefined),
    queryFn: () => unwrap(changes.GET('/api/changes/projects/{project}/document/differences', { params: { ...of(project), query: toValue(pair)! } })),
  })
}

export const writeSection = (project: string, module: string, title: string, body: string, version: number) =>
  unwrap(changes.PUT('/api/changes/projects/{project}/document/sections/{module}', { params: { path: { project, module } }, body: { title, body, version } }))
