import { effectScope, ref } from 'vue'
import { describe, expect, it, vi } from 'vitest'
import type { TemplateGoal } from '@/api/templates'
import { nodesOf } from '@/pages/tree-edit/nodes'
import { named, placeOf, useTemplateTree } from '@/pages/templates/asTree'
import { bodyOf, newTask, nextKey, type Draft } from '@/pages/templates/draft'

vi.mock('vue-i18n', () => ({ useI18n: () => ({ t: (key: string) => key }) }))
const given = () =>
  [{ title: 'G', tasks: [{ key: '01', title: 'A', start_day: 0, days: 5 }, { key: '03', title: 'B', start_day: 5, days: 10, after: ['01'], deliverables: [{ title: 'D', criteria: [{ text: 'C', metric: 'M', lower: '3' }] }] }] }, { title: 'H' }] as TemplateGoal[]

function opened(goals = given()) {
  named(goals)
  const draft = ref<Draft | undefined>({ project_type: '', name: '', description: '', version: 0, goals })
  const { tree, edits } = effectScope().run(() => useTemplateTree(draft, ref(), ref('')))!
  const nodes = () => nodesOf(tree.value!, new Set(tree.value!.goals.flatMap((goal) => [goal.goal, ...goal.tasks.map((task) => task.task)])))
  return { body: () => bodyOf(draft.value!).goals, edits, node: (title: string) => nodes().find((one) => one.title === title)! }
}

describe('templates (G1)', () => {
  it('give a new task the next free key, after the last one of its goal', () => {
    expect(nextKey(given())).toBe('02')
    expect(newTask(given(), given()[0]!, 'C')).toMatchObject({ key: '02', start_day: 15, days: 5 })
  })
  it('place a refusal at the part that it names', () => {
    const goals = given()
    named(goals)
    const id = (part: object) => (part as { id: string }).id
    const error = (field: string) => placeOf(goals, { field, code: 'x', message: '' })
    expect(error('body.goals.0.tasks.1.key')).toEqual({ id: id(goals[0]!.tasks![1]!), goal: id(goals[0]!), task: id(goals[0]!.tasks![1]!), field: 'key' })
    expect(error('goals.0.tasks.1.deliverables.0.criteria.0.items')).toMatchObject({ id: id(goals[0]!.tasks![1]!.deliverables![0]!.criteria![0]!), field: 'items' })
    expect(error('goals.1.weight')).toMatchObject({ id: id(goals[1]!), field: 'weight' })
    expect(error('name')).toBeUndefined()
  })
  it('are edited by the rows and the form of the tree editor', async () => {
    const { body, edits, node } = opened()
    await edits.edit(node('A'), { key: '10', start_day: '4', days: '0', planned_hours: '16' })
    expect(body()[0]!.tasks![0]).toMatchObject({ key: '10', start_day: 3, days: 1, planned_hours: '16' })
    expect(body()[0]!.tasks![1]!.after).toEqual(['10']) // who waits for it does so under its new key
    await edits.edit(node('C'), { kind: 'checklist', items: ['one', 'two'] })
    expect(body()[0]!.tasks![1]!.deliverables![0]!.criteria![0]).toMatchObject({ kind: 'checklist', items: ['one', 'two'], metric: null, lower: null })
    await edits.edit(node('B'), { depends_on: [] })
    expect(body()[0]!.tasks![1]!.after).toEqual([])
  })
  it('take what is added, moved and deleted, and keep no ids', async () => {
    const { body, edits, node } = opened()
    await edits.add(node('H'), 'N')
    await edits.add(node('N'), 'ND')
    await edits.add(node('ND'), 'NC')
    expect(body()[1]).toEqual({ title: 'H', tasks: [expect.objectContaining({ key: '02', title: 'N', deliverables: [{ title: 'ND', criteria: [{ text: 'NC' }] }] })] })
    await edits.move(node('D'), null, node('A').key)
    await edits.move(node('B'), node('A').key)
    expect(body()[0]!.tasks!.map((task) => [task.title, task.deliverables!.length])).toEqual([['B', 0], ['A', 1]])
    await edits.leave(node('A'), '')
    expect(body()[0]!.tasks!.map((task) => [task.title, task.after])).toEqual([['B', []]])
    expect(JSON.stringify(body())).not.toContain('"id"')
  })
})
