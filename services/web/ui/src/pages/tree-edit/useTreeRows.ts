// What the rows of a tree being edited have in common: which are open and selected, what is typed, where something is added.
import { computed, nextTick, reactive, ref, watch, type Ref } from 'vue'
import type { ProjectTree } from '@/api/tree'
import { nodesOf, restOfDeliverables, restOfTasks, stepTo, type Node } from './nodes'
import type { TreeEdits } from './useTreeEdits'

export function useTreeRows(tree: Ref<ProjectTree | undefined>, edits: TreeEdits, first: string | Ref<string> = '') {
  const opened = reactive(new Set<string>())
  watch(tree, (now, then) => { if (now && now.project !== then?.project) now.goals.forEach((goal) => opened.add(goal.goal)) }, { immediate: true })
  const nodes = computed(() => (tree.value ? nodesOf(tree.value, opened) : []))
  const chosen = ref(first)
  const selected = computed(() => nodes.value.find((node) => node.key === chosen.value))
  const typed = reactive(new Map<string, string>())
  /** Where something new is being added: below a node, or a goal below the project. */
  const adding = ref<string>()
  const list = ref<HTMLElement>()

  const focus = (key: string) => nextTick(() => list.value?.querySelector<HTMLElement>(`[data-node="${key}"] .pick`)?.focus())
  function pick(key: string, goal: string, task?: string) {
    chosen.value = key
    opened.add(goal)
    if (task) opened.add(task)
    void focus(key)
  }
  function walk(node: Node, step: -1 | 1) {
    const next = nodes.value[nodes.value.indexOf(node) + step]
    if (next) void focus(next.key)
  }
  async function shift(node: Node, step: -1 | 1) {
    const before = stepTo(node, step)
    if (before === undefined || !node.mayEdit || edits.busy.value) return
    await edits.move(node, before)
    void focus(node.key)
  }
  function toggle(node: Node) {
    if (!opened.delete(node.key)) opened.add(node.key)
  }
  function addBelow(node: Node) {
    adding.value = node.key
    opened.add(node.key)
  }
  async function add(parent: Node | undefined, title: string) {
    if (parent) opened.add(parent.key)
    await edits.add(parent, title)
  }
  async function weigh(node: Node, value: string) {
    await edits.edit(node, { weight: value.trim() || null })
    if (!edits.problem.value) typed.delete(node.key)
  }
  const restBelow = (node: Node) => (node.kind === 'goal' ? restOfTasks(node.goal, typed) : restOfDeliverables(node.task!, typed))
  /** The last row of a goal or a task: what is left of 100 stands beneath it. */
  function closes(index: number): Node[] {
    const node = nodes.value[index]!
    const next = nodes.value[index + 1]
    const ended: Node[] = []
    const of = (key?: string) => nodes.value.find((one) => one.key === key)
    if (node.task && opened.has(node.task.task) && next?.task?.task !== node.task.task) ended.push(of(node.task.task)!)
    if (opened.has(node.goal.goal) && next?.goal.goal !== node.goal.goal) ended.push(of(node.goal.goal)!)
    return ended
  }
  return { nodes, chosen, selected, typed, adding, list, focus, pick, walk, shift, toggle, addBelow, add, weigh, restBelow, closes }
}

export type TreeRows = ReturnType<typeof useTreeRows>
