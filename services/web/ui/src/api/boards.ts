// The company's projects and one project's board, from web's own read model; what somebody has open; the search.
import { type MaybeRefOrGetter, toValue } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { web } from './clients'
import { unwrap } from './http'
import type { components } from './schema/web'

type Schemas = components['schemas']
export type Project = Schemas['BoardSummary']
export type Board = Schemas['Board']
export type Goal = Schemas['BoardGoal']
export type BoardTask = Schemas['BoardTask']
export type OpenWork = Schemas['OpenWork']

export function useProjects() {
  return useQuery({ queryKey: ['boards'], queryFn: () => unwrap(web.GET('/api/boards')).then((list) => list.projects) })
}

export function useBoard(project: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: ['board', project],
    enabled: () => Boolean(toValue(project)),
    queryFn: () => unwrap(web.GET('/api/boards/{project}', { params: { path: { project: toValue(project) } } })),
  })
}

export function useOpenWork(person: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: ['work', person],
    queryFn: () => unwrap(web.GET('/api/people/{person}/work', { params: { path: { person: toValue(person) } } })),
    enabled: () => Boolean(toValue(person)),
  })
}

export const find = (words: string) => unwrap(web.GET('/api/search', { params: { query: { q: words } } }))
