// Writes of the editor: one at a time, each on the revision that is on the screen; a stale one is handed back with both versions.
import { ref, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useQueryClient } from '@tanstack/vue-query'
import { asProblem, type Problem } from '@/api/problem'
import * as api from '@/api/tree'
import type { Changes, ProjectTree, TreeGoal, TreeTask } from '@/api/tree'
import { useToasts } from '@/stores/toasts'
import { FIELDS } from './fields'
import type { Node } from './nodes'

export interface Stale {
  node: Node
  mine: Changes
  theirs: TreeGoal | TreeTask
}

export function useTreeEdits(tree: Ref<ProjectTree | undefined>) {
  const { t } = useI18n()
  const client = useQueryClient()
  const toasts = useToasts()
  const busy = ref(false)
  const stale = ref<Stale>()
  const problem = ref<Problem>()

  async function refresh() {
    await Promise.all([client.invalidateQueries({ queryKey: ['tree'] }), client.invalidateQueries({ queryKey: ['tree-edits'] })])
  }

  /** Runs a write; undefined when it was refused, which the reader then sees. */
  async function write<T>(call: () => Promise<T>, on?: { node: Node; mine: Changes }): Promise<T | undefined> {
    busy.value = true
    problem.value = undefined
    try {
      const done = await call()
      await refresh()
      return done
    } catch (error) {
      const refused = asProblem(error)
      if (refused?.code === 'stale') {
        await refresh()
        if (on) stale.value = { ...on, theirs: refused.body.current as TreeGoal | TreeTask }
        else toasts.show(t('treeEdit.movedOn'), 'amber')
      } else if (refused) {
        problem.value = refused
        if (!on) toasts.show(refused.errors[0]?.message ?? refused.message, 'red')
      } else toasts.show(t('state.unreachable'), 'red')
      return undefined
    } finally {
      busy.value = false
    }
  }

  const project = () => tree.value!.project
  const revisionOf = (node: Node) => (node.kind === 'goal' ? node.goal.revision : node.task!.revision)

  function edit(node: Node, changes: Changes, revision = revisionOf(node)) {
    const on = { node, mine: changes }
    switch (node.kind) {
      case 'goal':
        return write(() => api.editGoal(project(), node.goal.goal, revision, changes), on)
      case 'task':
        return write(() => api.editTask(node.task!.task, revision, changes), on)
      case 'deliverable':
        return write(() => api.editDeliverable(node.task!.task, node.key, revision, changes), on)
      case 'criterion':
        return write(() => api.editCriterion(node.task!.task, node.deliverable!.deliverable, node.key, revision, changes), on)
    }
  }

  /** To stand in front of `before` (null: last), below another parent when one is given. */
  function move(node: Node, before: string | null, parent?: string) {
    const revision = revisionOf(node)
    switch (node.kind) {
      case 'goal':
        return write(() => api.moveGoal(project(), node.key, revision, before))
      case 'task':
        return write(() => api.moveTask(node.key, revision, parent ?? node.goal.goal, before))
      case 'deliverable':
        return write(() => api.moveDeliverable(node.task!.task, node.key, revision, parent ?? node.task!.task, before))
      case 'criterion':
        return write(() => api.moveCriterion(node.task!.task, node.deliverable!.deliverable, node.key, revision, parent ?? node.deliverable!.deliverable, before))
    }
  }

  function add(parent: Node | undefined, title: string) {
    if (!parent) return write(() => api.createGoal(project(), { title }))
    switch (parent.kind) {
      case 'goal':
        return write(() => api.createTask(project(), parent.key, title))
      case 'task':
        return write(() => api.createDeliverable(parent.key, parent.task!.revision, title))
      default:
        return write(() => api.createCriterion(parent.task!.task, parent.deliverable!.deliverable, parent.task!.revision, title))
    }
  }

  function leave(node: Node, reason: string) {
    const revision = revisionOf(node)
    switch (node.kind) {
      case 'goal':
        return write(() => api.cancelGoal(project(), node.key, revision, reason))
      case 'task':
        return write(() => api.cancelTask(node.key, revision, reason))
      case 'deliverable':
        return write(() => api.removeDeliverable(node.task!.task, node.key, revision))
      case 'criterion':
        return write(() => api.removeCriterion(node.task!.task, node.deliverable!.deliverable, node.key, revision))
    }
  }

  const reopen = (node: Node, reason: string) =>
    write(() => (node.kind === 'goal' ? api.reopenGoal(project(), node.key, revisionOf(node), reason) : api.reopenTask(node.key, revisionOf(node), reason)) as Promise<unknown>)
  const activate = (node: Node) => write(() => api.activateTask(node.key, revisionOf(node)) as Promise<unknown>)

  return { busy, stale, problem, fields: FIELDS, instant: false, edit, move, add, leave, reopen, activate, refresh }
}

/** `instant`: what is typed is taken at once, and the whole is saved elsewhere. */
export type TreeEdits = Pick<ReturnType<typeof useTreeEdits>, 'busy' | 'problem' | 'fields' | 'instant' | 'edit' | 'move' | 'add' | 'leave' | 'reopen' | 'activate'>
