// Templates of project types, and projects made from one.
import { type MaybeRefOrGetter, toValue } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { goals } from './clients'
import { unwrap } from './http'
import type { components } from './schema/goals'

type Schemas = components['schemas']
export type Template = Schemas['TemplateReply']
export type TemplateGoal = Schemas['TemplateGoal-Input']
export type TemplateTask = Schemas['TemplateTask-Input']
export type Laid = Schemas['Laid']
export type TemplateBody = Schemas['TemplateIn']

export function useTemplates() {
  return useQuery({ queryKey: ['templates'], queryFn: () => unwrap(goals.GET('/api/goals/templates')) })
}

/** The dates of a template's tasks from a start, an instant. */
export function useLaid(template: MaybeRefOrGetter<string | undefined>, start: MaybeRefOrGetter<string | undefined>) {
  return useQuery({
    queryKey: ['templates', 'dates', template, start],
    queryFn: () => unwrap(goals.GET('/api/goals/templates/{template}/dates', { params: { path: { template: toValue(template)! }, query: { starts_at: toValue(start)! } } })),
    enabled: () => Boolean(toValue(template) && toValue(start)),
    placeholderData: (before) => before,
  })
}

export const templateOfProject = (project: string) => unwrap(goals.GET('/api/goals/projects/{project}/template', { params: { path: { project } } }))
export const saveTemplate = (template: string | undefined, body: TemplateBody) =>
  unwrap(template ? goals.PUT('/api/goals/templates/{template}', { params: { path: { template } }, body }) : goals.POST('/api/goals/templates', { body }))
export const removeTemplate = (template: string) => unwrap(goals.DELETE('/api/goals/templates/{template}', { params: { path: { template } } }))
