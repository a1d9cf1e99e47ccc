// A template being edited, as the tree that the tree editor shows and edits: every part has an id while the page is open.
import { computed, ref, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import type { Changes, ProjectTree } from '@/api/tree'
import type { TemplateGoal, TemplateTask } from '@/api/templates'
import { Problem, type FieldError } from '@/api/problem'
import { TEMPLATE_FIELDS } from '../tree-edit/fields'
import type { Node } from '../tree-edit/nodes'
import type { TreeEdits } from '../tree-edit/useTreeEdits'
import { newTask, type Draft } from './draft'

type Part = { id: string }
type Deliverable = NonNullable<TemplateTask['deliverables']>[number] & Part
type Criterion = NonNullable<Deliverable['criteria']>[number] & Part
type Task = TemplateTask & Part
type Goal = TemplateGoal & Part

let last = 0
/** Ids for what has none yet; they stay in the page (see `bodyOf`). */
export function named(goals: readonly TemplateGoal[]): void {
  const name = (part: object) => ((part as Part).id ??= `part-${++last}`)
  for (const goal of goals) {
    name(goal)
    for (const task of (goal.tasks ??= [])) {
      name(task)
      for (const one of (task.deliverables ??= [])) {
        name(one)
        for (const criterion of (one.criteria ??= [])) name(criterion)
      }
    }
  }
}

const partsOf = (goals: readonly TemplateGoal[]) =>
  (goals as Goal[]).flatMap((goal, g) => [
    { id: goal.id, path: `goals.${g}`, goal, task: undefined as Task | undefined },
    ...((goal.tasks ?? []) as Task[]).flatMap((task, t) => [
      { id: task.id, path: `goals.${g}.tasks.${t}`, goal, task },
      ...((task.deliverables ?? []) as Deliverable[]).flatMap((one, d) => [
        { id: one.id, path: `goals.${g}.tasks.${t}.deliverables.${d}`, goal, task },
        ...((one.criteria ?? []) as Criterion[]).map((criterion, c) => ({ id: criterion.id, path: `goals.${g}.tasks.${t}.deliverables.${d}.criteria.${c}`, goal, task })),
      ]),
    ]),
  ])

/** The part that a refusal names, with the field of it: the longest path that the error's path begins with. */
export function placeOf(goals: readonly TemplateGoal[], error: FieldError) {
  const field = error.field.replace(/^body\./, '')
  const found = partsOf(goals).filter((one) => field === one.path || field.startsWith(`${one.path}.`)).sort((a, b) => b.path.length - a.path.length)[0]
  return found && { id: found.id, goal: found.goal.id, task: found.task?.id, field: field.slice(found.path.length + 1) }
}

const whole = (value: unknown, least: number) => Math.max(least, Math.round(Number(value)) || least)

export function useTemplateTree(draft: Ref<Draft | undefined>, refusal: Ref<Problem | undefined>, chosen: Ref<string>) {
  const { t } = useI18n()
  const goals = () => draft.value!.goals as Goal[]
  const lacking = (task: Task) =>
    !task.deliverables?.length
      ? [{ field: 'deliverables', message: { zh: t('template.noDeliverable'), en: t('template.noDeliverable') } }]
      : task.deliverables.filter((one) => !one.criteria?.length).map((one) => ({ field: 'criteria', message: { zh: t('template.noCriterion', { title: one.title }), en: t('template.noCriterion', { title: one.title }) } }))

  const tree = computed(() => {
    if (!draft.value) return undefined
    const idOf = new Map(goals().flatMap((goal) => (goal.tasks ?? []) as Task[]).map((task) => [task.key, task.id]))
    const view = {
      project: draft.value.template ?? 'new', may_edit: true, lead_name: '', cycles: [],
      goals: goals().map((goal) => ({
        goal: goal.id, title: goal.title, weight: goal.weight ?? null, state: 'active', frozen: false, may_edit: true, revision: 0,
        tasks: ((goal.tasks ?? []) as Task[]).map((task) => ({
          task: task.id, goal: goal.id, code: task.key, key: task.key, title: task.title, kind: task.kind ?? 'develop', weight: task.weight ?? null, planned_hours: task.planned_hours ?? null,
          start_day: (task.start_day ?? 0) + 1, days: task.days ?? 5, depends_on: (task.after ?? []).map((key) => idOf.get(key) ?? key), state: lacking(task).length ? 'draft' : 'active', missing: lacking(task),
          owner_name: t('template.span', { day: (task.start_day ?? 0) + 1, days: task.days ?? 5 }), locks: [], days_late: 0, retest: null, plan: null, revision: 0,
          deliverables: ((task.deliverables ?? []) as Deliverable[]).map((one) => ({
            deliverable: one.id, title: one.title, weight: one.weight ?? null, due_at: null,
            criteria: ((one.criteria ?? []) as Criterion[]).map((criterion) => ({ criterion: criterion.id, items: [], kind: null, metric: null, approver: null, ...criterion })),
          })),
        })),
      })),
    }
    return view as unknown as ProjectTree
  })

  const goalOf = (id: string) => goals().find((goal) => goal.id === id)!
  const taskOf = (id: string) => goals().flatMap((goal) => (goal.tasks ?? []) as Task[]).find((task) => task.id === id)!
  const deliverableOf = (id: string) => goals().flatMap((goal) => goal.tasks ?? []).flatMap((task) => (task.deliverables ?? []) as Deliverable[]).find((one) => one.id === id)!
  /** The siblings of a node, as they stand in the draft. */
  function listOf(kind: Node['kind'], parent: string): Part[] {
    switch (kind) {
      case 'goal':
        return goals()
      case 'task':
        return (goalOf(parent).tasks ??= []) as Task[]
      case 'deliverable':
        return (taskOf(parent).deliverables ??= []) as Deliverable[]
      case 'criterion':
        return (deliverableOf(parent).criteria ??= []) as Criterion[]
    }
  }
  const parentOf = (node: Node) => (node.kind === 'task' ? node.goal.goal : node.kind === 'deliverable' ? node.task!.task : (node.deliverable?.deliverable ?? ''))

  function edit(node: Node, changes: Changes) {
    const part = listOf(node.kind, parentOf(node)).find((one) => one.id === node.key)!
    const given: Changes = { ...changes }
    if ('start_day' in given) given.start_day = whole(given.start_day, 1) - 1
    if ('days' in given) given.days = whole(given.days, 1)
    if ('depends_on' in given) {
      given.after = (given.depends_on as string[]).map((id) => taskOf(id)?.key ?? id)
      delete given.depends_on
    }
    if (typeof given.key === 'string') rename((part as Task).key, given.key)
    if (given.key === null) delete given.key
    // What only another way of verifying asks for goes with it.
    if ('kind' in given && node.kind === 'criterion') Object.assign(part, { metric: null, unit: null, lower: null, upper: null, items: [], approver: null })
    Object.assign(part, given)
    return Promise.resolve()
  }
  /** Who waits for a task waits for it under its new key too. */
  function rename(before: string, after: string) {
    for (const task of goals().flatMap((goal) => goal.tasks ?? [])) if (task.after?.includes(before)) task.after = task.after.map((key) => (key === before ? after : key))
  }
  function take(node: Node): Part {
    const list = listOf(node.kind, parentOf(node))
    return list.splice(list.findIndex((one) => one.id === node.key), 1)[0]!
  }
  function move(node: Node, before: string | null, parent?: string) {
    const part = take(node)
    const list = listOf(node.kind, parent ?? parentOf(node))
    const at = list.findIndex((one) => one.id === before)
    list.splice(at < 0 ? list.length : at, 0, part)
    return Promise.resolve()
  }
  function add(parent: Node | undefined, title: string) {
    if (!parent) goals().push({ title, tasks: [] } as unknown as Goal)
    else if (parent.kind === 'goal') listOf('task', parent.key).push(newTask(draft.value!.goals, goalOf(parent.key), title) as Task)
    else if (parent.kind === 'task') listOf('deliverable', parent.key).push({ title, criteria: [] } as unknown as Deliverable)
    else listOf('criterion', parent.deliverable!.deliverable).push({ text: title } as Criterion)
    named(draft.value!.goals)
    return Promise.resolve()
  }
  function leave(node: Node) {
    const gone = take(node)
    const keys = node.kind === 'goal' ? ((gone as Goal).tasks ?? []).map((task) => task.key) : node.kind === 'task' ? [(gone as Task).key] : []
    for (const task of goals().flatMap((goal) => goal.tasks ?? [])) if (task.after?.some((key) => keys.includes(key))) task.after = task.after.filter((key) => !keys.includes(key))
    return Promise.resolve(true)
  }
  const nothing = () => Promise.resolve(undefined)
  /** Of the refusal what concerns the selected part. */
  const problem = computed(() => {
    const errors = (refusal.value?.errors ?? []).filter((error) => placeOf(draft.value?.goals ?? [], error)?.id === chosen.value)
    return errors.length ? new Problem(422, { errors: errors.map((one) => ({ ...one, field: one.field.replace(/\.after$/, '.depends_on') })) }) : undefined
  })
  const edits = { busy: ref(false), problem, fields: TEMPLATE_FIELDS, instant: true, edit, move, add, leave, reopen: nothing, activate: nothing } as unknown as TreeEdits
  return { tree, edits }
}
