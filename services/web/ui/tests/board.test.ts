// The tree of a project as rows: weights that share the remainder, folding, filters.
import { describe, expect, it } from 'vitest'
import type { Board, BoardTask as Task } from '@/api/boards'
import { rowsOf, sharesOf } from '@/pages/board/rows'
import { heatOf } from '@/lib/heat'

const task = (given: Partial<Task>) => ({ task: 't', code: 'T-1', title: 'T', state: 'active', days_late: 0, locks: [], weight: null, progress: '0', owner: '1', owner_name: 'A', deliverables: [], retest: null, ...given }) as unknown as Task
const board = {
  project: { project: 'p', code: 'P-1', name: 'P', progress: '10', lead_name: 'L', due_at: null },
  goals: [{ goal: 'g', title: 'G', weight: null, share: '100', progress: '10', owner: null, owner_name: null, tasks: [task({ task: 'a', weight: '40' }), task({ task: 'b', owner: '2' }), task({ task: 'c', days_late: 2 })] }],
  remainder: '100',
  heat: [],
} as unknown as Board

describe('weights of siblings', () => {
  it('share what the explicit ones leave of 100', () => expect(sharesOf(['40', null, null])).toEqual([40, 30, 30]))
  it('leave nothing when the explicit ones take all', () => expect(sharesOf(['100', null])).toEqual([100, 0]))
})

describe('rows of the tree', () => {
  it('fold a goal away', () => expect(rowsOf(board, new Set(), new Set(), '1').map((row) => row.key)).toEqual(['p', 'g']))
  it('unfold in the order of the service', () => expect(rowsOf(board, new Set(['g']), new Set(), '1').map((row) => row.key)).toEqual(['p', 'g', 'a', 'b', 'c']))
  it('keep weights when a filter hides siblings', () => {
    const rows = rowsOf(board, new Set(), new Set(['late']), '1')
    expect(rows.map((row) => row.key)).toEqual(['p', 'g', 'c'])
    expect(rows[2]!.weight).toBe(30)
  })
  it('combine filters', () => expect(rowsOf(board, new Set(), new Set(['late', 'locked']), '1')).toHaveLength(1))
})

describe('the heat of an on-time rate', () => {
  it('is classed by the figure that is shown', () => {
    expect(heatOf(89.6)?.word).toBe('onTime')
    expect(heatOf(89.4)?.word).toBe('watch')
    expect(heatOf(74.4)?.word).toBe('low')
    expect(heatOf(undefined)).toBeUndefined()
  })
})
