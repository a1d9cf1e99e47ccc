// A task stands in one state at a time; the one that matters most to the reader is shown.
import { describe, expect, it } from 'vitest'
import type { Criterion, Task } from '@/api/goals'
import { limitsOf, meets, statusOf } from '@/lib/task'

const lock = { lock: 'l', change: 'c', change_number: 'ECN-1', module: 'PM-480', old_version: 'V2.3', new_version: 'V2.4', since: '2026-03-10T00:30:00Z', way_out: { zh: '', en: '' } }
const retest = { change: 'c', change_number: 'ECN-1', module: 'PM-480', module_name: 'PM', old_version: 'V2.3', new_version: 'V2.4', old_criterion: null, answer: null as string | null }
const task = { state: 'active', days_late: 0, locks: [], progress: '40', retest: null, owner: '10231', starts_at: null, deliverables: [] } as unknown as Task
const word = (given: Partial<Task>, reader = '10231') => statusOf({ ...task, ...given }, reader, new Date('2026-03-11')).word

describe('how a task stands', () => {
  it('is locked before it is late', () => expect(word({ locks: [lock], days_late: 3 })).toBe('locked'))
  it('is verified when done, whatever else', () => expect(word({ state: 'done', days_late: 3 })).toBe('verified'))
  it('waits for its owner only in the owner’s own view', () => {
    expect(word({ retest })).toBe('waitsForAnswer')
    expect(word({ retest }, '10306')).toBe('waitsForOwner')
  })
  it('is being tested once confirmed', () => expect(word({ retest: { ...retest, answer: 'confirmed' } })).toBe('testing'))
  it('has not started before its start and without progress', () => expect(word({ starts_at: '2026-04-01T00:00:00Z', progress: '0' })).toBe('notStarted'))
  it('asks to verify again when a criterion was superseded', () => {
    const criterion = { criterion: 'x', version: 2, text: '', state: 'verify_again' } as Criterion
    expect(word({ deliverables: [{ deliverable: 'd', title: '', weight: null, due_at: null, criteria: [criterion] }] })).toBe('verifyAgain')
  })
})

describe('a measured value', () => {
  it('meets a lower limit at the limit itself', () => {
    expect(meets({ lower: '6', upper: null }, '6')).toBe(true)
    expect(meets({ lower: '6', upper: null }, '5.99')).toBe(false)
  })
  it('is neither before it is a number', () => {
    expect(meets({ lower: '6', upper: null }, '')).toBeUndefined()
    expect(meets({ lower: '6', upper: null }, 'six')).toBeUndefined()
  })
  it('shows its limits with the unit', () => {
    expect(limitsOf({ lower: '6', upper: null, unit: 'dB' })).toBe('≥ 6\u00a0dB')
    expect(limitsOf({ lower: '1', upper: '2', unit: null })).toBe('1–2')
  })
})
