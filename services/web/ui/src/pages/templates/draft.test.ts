import { describe, expect, it } from 'vitest'
import type { TemplateGoal } from '@/api/templates'
import { errorsOf, newTask, nextKey } from './draft'

const goals = [{ title: 'G', tasks: [{ key: '01', title: 'A', start_day: 0, days: 5 }, { key: '03', title: 'B', start_day: 5, days: 10 }] }] as TemplateGoal[]

describe('templates (G1)', () => {
  it('give a new task the next free key, after the last one of its goal', () => {
    expect(nextKey(goals)).toBe('02')
    expect(newTask(goals, goals[0]!, 'C')).toMatchObject({ key: '02', start_day: 15, days: 5 })
  })
  it('place a refusal beside the task that it names', () => {
    const errors = [{ field: 'body.goals.0.tasks.1.key', code: 'x', message: 'task' }, { field: 'goals.0.weight', code: 'x', message: 'goal' }]
    expect(errorsOf(errors, 0, 1)).toEqual(['task'])
    expect(errorsOf(errors, 0, 0)).toEqual([])
    expect(errorsOf(errors, 0)).toEqual(['goal'])
  })
})
