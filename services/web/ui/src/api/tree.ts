// A project's tree for those who edit it: every write names the revision it was made on.
import { type MaybeRefOrGetter, toValue } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { goals } from './clients'
import { unwrap } from './http'
import type { components } from './schema/goals'

type Schemas = components['schemas']
export type ProjectTree = Schemas['ProjectTree']
export type TreeGoal = Schemas['TreeGoal']
export type TreeTask = Schemas['TreeTask']
export type Deliverable = TreeTask['deliverables'][number]
export type TreeCriterion = Deliverable['criteria'][number]
export type Plan = Schemas['PlanReply']
export type ProjectPlan = Schemas['ProjectPlanReply']
export type TreeEdit = Schemas['EditReply']
export type Cycle = Schemas['CycleReply']

/** The fields that were changed, as the service takes them. */
export type Changes = Record<string, unknown>

export function useTree(project: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: ['tree', project],
    queryFn: () => unwrap(goals.GET('/api/goals/projects/{project}/tree', { params: { path: { project: toValue(project) } } })),
  })
}

export function useEdits(project: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: ['tree-edits', project],
    queryFn: () => unwrap(goals.GET('/api/goals/projects/{project}/edits', { params: { path: { project: toValue(project) } } })).then((list) => list.edits),
  })
}

export function usePlan(project: MaybeRefOrGetter<string | undefined>) {
  return useQuery({
    queryKey: ['plan', project],
    enabled: () => Boolean(toValue(project)),
    queryFn: () => unwrap(goals.GET('/api/goals/projects/{project}/plan', { params: { path: { project: toValue(project)! } } })),
  })
}

const deliverablePath = (task: string, deliverable: string) => ({ params: { path: { task, deliverable } } })
const criterionPath = (task: string, deliverable: string, criterion: string) => ({ params: { path: { task, deliverable, criterion } } })
const goalPath = (project: string, goal: string) => ({ params: { path: { project, goal } } })

export const createGoal = (project: string, body: Schemas['NewGoal']) =>
  unwrap(goals.POST('/api/goals/projects/{project}/goals', { params: { path: { project } }, body }))
export const editGoal = (project: string, goal: string, revision: number, changes: Changes) =>
  unwrap(goals.PATCH('/api/goals/projects/{project}/goals/{goal}', { ...goalPath(project, goal), body: { revision, ...changes } as Schemas['GoalEdit'] }))
export const moveGoal = (project: string, goal: string, revision: number, before: string | null) =>
  unwrap(goals.POST('/api/goals/projects/{project}/goals/{goal}/move', { ...goalPath(project, goal), body: { revision, before } }))
export const cancelGoal = (project: string, goal: string, revision: number, reason: string) =>
  unwrap(goals.POST('/api/goals/projects/{project}/goals/{goal}/cancel', { ...goalPath(project, goal), body: { revision, reason } }))
export const reopenGoal = (project: string, goal: string, revision: number, reason: string) =>
  unwrap(goals.POST('/api/goals/projects/{project}/goals/{goal}/reopen', { ...goalPath(project, goal), body: { revision, reason } }))

export const createTask = (project: string, goal: string, title: string) =>
  unwrap(goals.POST('/api/goals/projects/{project}/tasks', { params: { path: { project } }, body: { goal, title } as Schemas['NewTask'] }))
export const editTask = (task: string, revision: number, changes: Changes) =>
  unwrap(goals.PATCH('/api/goals/tasks/{task}', { params: { path: { task } }, body: { revision, ...changes } as Schemas['TaskEdit'] }))
export const moveTask = (task: string, revision: number, goal: string, before: string | null) =>
  unwrap(goals.POST('/api/goals/tasks/{task}/move', { params: { path: { task } }, body: { revision, goal, before } }))
export const cancelTask = (task: string, revision: number, reason: string) =>
  unwrap(goals.POST('/api/goals/tasks/{task}/cancel', { params: { path: { task } }, body: { revision, reason } }))
export const reopenTask = (task: string, revision: number, reason: string) =>
  unwrap(goals.POST('/api/goals/tasks/{task}/reopen', { params: { path: { task } }, body: { revision, reason } }))
export const activateTask = (task: string, revision: number) =>
  unwrap(goals.POST('/api/goals/tasks/{task}/activate', { params: { path: { task } }, body: { revision } }))

export const createDeliverable = (task: string, revision: number, title: string) =>
  unwrap(goals.POST('/api/goals/tasks/{task}/deliverables', { params: { path: { task } }, body: { revision, title } as Schemas['NewDeliverable'] }))
export const editDeliverable = (task: string, deliverable: string, revision: number, changes: Changes) =>
  unwrap(goals.PATCH('/api/goals/tasks/{task}/deliverables/{deliverable}', { ...deliverablePath(task, deliverable), body: { revision, ...changes } as Schemas['DeliverableEdit'] }))
export const removeDeliverable = (task: string, deliverable: string, revision: number) =>
  unwrap(goals.POST('/api/goals/tasks/{task}/deliverables/{deliverable}/remove', { ...deliverablePath(task, deliverable), body: { revision } }))
export const moveDeliverable = (task: string, deliverable: string, revision: number, to: string, before: string | null) =>
  unwrap(goals.POST('/api/goals/tasks/{task}/deliverables/{deliverable}/move', { ...deliverablePath(task, deliverable), body: { revision, task: to, before } }))

export const createCriterion = (task: string, deliverable: string, revision: number, text: string) =>
  unwrap(goals.POST('/api/goals/tasks/{task}/deliverables/{deliverable}/criteria', { ...deliverablePath(task, deliverable), body: { revision, text } as Schemas['NewCriterion'] }))
export const editCriterion = (task: string, deliverable: string, criterion: string, revision: number, changes: Changes) =>
  unwrap(goals.PATCH('/api/goals/tasks/{task}/deliverables/{deliverable}/criteria/{criterion}', { ...criterionPath(task, deliverable, criterion), body: { revision, ...changes } as Schemas['CriterionEdit'] }))
export const removeCriterion = (task: string, deliverable: string, criterion: string, revision: number) =>
  unwrap(goals.POST('/api/goals/tasks/{task}/deliverables/{deliverable}/criteria/{criterion}/remove', { ...criterionPath(task, deliverable, criterion), body: { revision } }))
export const moveCriterion = (task: string, deliverable: string, criterion: string, revision: number, to: string, before: string | null) =>
  unwrap(goals.POST('/api/goals/tasks/{task}/deliverables/{deliverable}/criteria/{criterion}/move', { ...criterionPath(task, deliverable, criterion), body: { revision, deliverable: to, before } }))

export function useCycles(project: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: ['cycles', project],
    queryFn: () => unwrap(goals.GET('/api/goals/cycles', { params: { query: { project: toValue(project) } } })),
  })
}
export const createCycle = (body: Schemas['NewCycle']) => unwrap(goals.POST('/api/goals/cycles', { body }))
export const freezeCycle = (cycle: string, version: number) =>
  unwrap(goals.POST('/api/goals/cycles/{cycle}/freeze', { params: { path: { cycle } }, body: { version } }))
