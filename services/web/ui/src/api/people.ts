// The company's people: the directory, how much each has open, and ending somebody's sessions.
import { type MaybeRefOrGetter, toValue } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { web } from './clients'
import { unwrap } from './http'
import type { components } from './schema/web'

type Schemas = components['schemas']
export type Person = Schemas['DirectoryPerson']
export type Workload = Schemas['Workload']

/** Who may read another person's week, and so what they have open. */
export const LEADS = ['manager', 'project_lead', 'hr', 'director', 'administrator'] as const

export function useStaff(asked: MaybeRefOrGetter<boolean> = true) {
  return useQuery({ queryKey: ['staff'], enabled: () => toValue(asked), queryFn: () => unwrap(web.GET('/api/people')) })
}

export function usePerson(person: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: ['person', person],
    queryFn: () => unwrap(web.GET('/directory/{person}', { params: { path: { person: toValue(person) } } })),
  })
}

export const endSessions = (person: string) => unwrap(web.POST('/directory/{person}/sign-out', { params: { path: { person } } }))

export type PersonRecord = Schemas['PersonRecord']
export type PersonValues = Schemas['PersonValues']
export type PersonFields = Schemas['PersonFields']

/** Who may edit people's records. */
export const PEOPLES_EDITORS = ['administrator', 'hr'] as const

export function useFormerStaff(asked: MaybeRefOrGetter<boolean>) {
  return useQuery({
    queryKey: ['staff', 'gone'],
    enabled: () => toValue(asked),
    queryFn: () => unwrap(web.GET('/api/people', { params: { query: { gone: true } } })).then((staff) => staff.people),
  })
}

export function usePersonRecord(person: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: ['person-record', person],
    enabled: () => Boolean(toValue(person)),
    queryFn: () => unwrap(web.GET('/api/people/{person}/record', { params: { path: { person: toValue(person) } } })),
  })
}

export const addPerson = (person: string, own: PersonFields) => unwrap(web.POST('/api/people', { body: { person, own } }))
export const editPerson = (person: string, version: number, own: PersonFields) =>
  unwrap(web.PUT('/api/people/{person}', { params: { path: { person } }, body: { version, own } }))
