// The way of an appeal as the page draws it, and whose step is next (C9).
import { describe, expect, it } from 'vitest'
import { nextStep, stagesOf } from '@/lib/appeals'
import type { Appeal, AppealSummary } from '@/api/appeals'

const appeal = (state: AppealSummary['state'], outcome: AppealSummary['outcome'] = null, more: Partial<Appeal> = {}): Appeal =>
  ({ summary: { state, outcome, appellant_name: '周启航', handler_name: '叶青蓝' }, correction: null, thread: [{ kind: 'filed' }, { kind: 'admitted' }], ...more }) as Appeal

describe('an appeal', () => {
  it.each([
    ['filed', null, 'filed', '叶青蓝'],
    ['frozen', null, 'frozen', '叶青蓝'],
    ['decided', 'dismissed', 'dismissed', '周启航'],
    ['decided', 'upheld', 'decided', '叶青蓝'],
    ['recalculated', 'upheld', 'recalculated', '周启航'],
  ] as const)('%s (%s) waits for %s by %s', (state, outcome, step, name) => {
    expect(nextStep(appeal(state, outcome))).toEqual({ step, name })
  })
  it('is corrected by the system where a matrix carries it out', () => {
    expect(nextStep(appeal('decided', 'upheld', { correction: 'm' })).step).toBe('correcting')
  })
  it('without a handler waits for the auditors', () => {
    const filed = appeal('filed')
    expect(nextStep({ ...filed, summary: { ...filed.summary, handler_name: null } }).step).toBe('unassigned')
  })
  it('ends where it ended', () => {
    expect(stagesOf(appeal('refused'))).toEqual(['filed', 'refused'])
    expect(stagesOf(appeal('withdrawn'))).toEqual(['filed', 'admitted', 'withdrawn'])
    expect(stagesOf(appeal('decided', 'dismissed'))).not.toContain('recalculated')
  })
})
