// The tree as a flat list of nodes, each with its siblings: what the editor shows, moves and weighs.
import type { Deliverable, ProjectTree, TreeCriterion, TreeGoal, TreeTask } from '@/api/tree'
import { toNumber } from '@/lib/format'

export type Kind = 'goal' | 'task' | 'deliverable' | 'criterion'

export interface Node {
  key: string
  kind: Kind
  level: number
  title: string
  code?: string
  goal: TreeGoal
  task?: TreeTask
  deliverable?: Deliverable
  criterion?: TreeCriterion
  /** Keys of its siblings in order, itself among them. */
  siblings: string[]
  mayEdit: boolean
  open: boolean
  folds: boolean
}

export function nodesOf(tree: ProjectTree, opened: ReadonlySet<string>): Node[] {
  const goals = tree.goals.map((goal) => goal.goal)
  return tree.goals.flatMap((goal) => {
    const open = opened.has(goal.goal)
    const node: Node = { key: goal.goal, kind: 'goal', level: 0, title: goal.title, goal, siblings: goals, mayEdit: goal.may_edit, open, folds: true }
    return open ? [node, ...goal.tasks.flatMap((task) => taskNodes(goal, task, opened))] : [node]
  })
}

function taskNodes(goal: TreeGoal, task: TreeTask, opened: ReadonlySet<string>): Node[] {
  const open = opened.has(task.task)
  const common = { goal, task, mayEdit: goal.may_edit }
  const node: Node = { ...common, key: task.task, kind: 'task', level: 1, title: task.title, code: task.code, siblings: goal.tasks.map((one) => one.task), open, folds: true }
  if (!open) return [node]
  return [
    node,
    ...task.deliverables.flatMap((deliverable): Node[] => [
      { ...common, key: deliverable.deliverable, kind: 'deliverable', level: 2, title: deliverable.title, deliverable, siblings: task.deliverables.map((one) => one.deliverable), open: true, folds: false },
      ...deliverable.criteria.map((criterion): Node => ({ ...common, key: criterion.criterion, kind: 'criterion', level: 3, title: criterion.text, deliverable, criterion, siblings: deliverable.criteria.map((one) => one.criterion), open: true, folds: false })),
    ]),
  ]
}

const GONE = new Set(['cancelled', 'superseded'])
export const counts = (node: Pick<Node, 'kind' | 'goal' | 'task'>) => (node.kind === 'goal' ? node.goal.state !== 'cancelled' : !GONE.has(node.task?.state ?? ''))

export interface Rest {
  /** What explicit weights leave of 100. */
  left: number
  /** How many siblings share it. */
  unset: number
  /** What each of them gets. */
  each: number
  /** There is nothing to weigh. */
  none: boolean
}

/** What is left of 100 among siblings, with what is being typed taken for what it will be. */
export function restOf(weights: readonly (number | undefined)[]): Rest {
  const left = 100 - weights.reduce<number>((sum, weight) => sum + (weight ?? 0), 0)
  const unset = weights.filter((weight) => weight === undefined).length
  return { left, unset, each: unset ? Math.max(0, left) / unset : 0, none: !weights.length }
}

type Typed = ReadonlyMap<string, string>
export const weightOf = (key: string, weight: string | null, typed: Typed) => toNumber(typed.has(key) ? typed.get(key) : weight)

export const restOfGoals = (tree: ProjectTree, typed: Typed) =>
  restOf(tree.goals.filter((goal) => goal.state !== 'cancelled').map((goal) => weightOf(goal.goal, goal.weight, typed)))
export const restOfTasks = (goal: TreeGoal, typed: Typed) =>
  restOf(goal.tasks.filter((task) => !GONE.has(task.state)).map((task) => weightOf(task.task, task.weight, typed)))
export const restOfDeliverables = (task: TreeTask, typed: Typed) =>
  restOf(task.deliverables.map((one) => weightOf(one.deliverable, one.weight, typed)))

/** The sibling that a node stands in front of after one step up or down; undefined when it can't move. */
export function stepTo(node: Pick<Node, 'key' | 'siblings'>, step: -1 | 1): string | null | undefined {
  const at = node.siblings.indexOf(node.key)
  if (step < 0) return at > 0 ? node.siblings[at - 1] : undefined
  return at < node.siblings.length - 1 ? (node.siblings[at + 2] ?? null) : undefined
}

/** Drafts with what keeps each from being active. */
export const drafts = (tree: ProjectTree) => tree.goals.flatMap((goal) => goal.tasks).filter((task) => task.state === 'draft')
