// A project's own fields, the steps of its state, and making one, empty or from a template.
import { type MaybeRefOrGetter, toValue } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { goals } from './clients'
import { unwrap } from './http'
import type { components } from './schema/goals'

type Schemas = components['schemas']
export type ProjectRecord = Schemas['ProjectRecord']
export type ProjectState = ProjectRecord['state']
export type NewProject = Schemas['NewProject']

/** Who may make a project. */
export const PROJECT_MAKERS = ['project_lead', 'administrator'] as const

const of = (project: string) => ({ params: { path: { project } } })

export function useProjectRecord(project: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: ['project-record', project],
    enabled: () => Boolean(toValue(project)),
    queryFn: () => unwrap(goals.GET('/api/goals/projects/{project}/record', of(toValue(project)))),
  })
}

export const makeProject = (body: NewProject) => unwrap(goals.POST('/api/goals/projects/from-template', { body }))
export const editProject = (project: string, revision: string, changes: Record<string, unknown>) =>
  unwrap(goals.PATCH('/api/goals/projects/{project}', { ...of(project), body: { revision, ...changes } as Schemas['ProjectEdit'] }))
export const stepProject = (project: string, revision: string, state: ProjectState, reason: string) =>
  unwrap(goals.POST('/api/goals/projects/{project}/state', { ...of(project), body: { revision, state, reason: reason || null } }))
