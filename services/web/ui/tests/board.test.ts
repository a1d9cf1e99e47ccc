// The tree of a project as rows: weights that share the remainder, folding, filters.
import { describe, expect, it } from 'vitest'
import type { Board, BoardTask as Task } from '@/api/boards'
import { forestRows, onTimeOf, placesOf, rowsOf, sharesOf, type Filter } from '@/pages/board/rows'
import { heatOf } from '@/lib/heat'

const task = (given: Partial<Task>) => ({ task: 't', code: 'T-1', title: 'T', state: 'active', days_late: 0, locks: [], weight: null, progress: '0', owner: '1', owner_name: 'A', deliverables: [], retest: null, ...given }) as unknown as Task
const board = {
  project: { project: 'p', code: 'P-1', name: 'P', progress: '10', lead_name: 'L', due_at: null },
  goals: [{ goal: 'g', title: 'G', weight: null, share: '100', progress: '10', owner: null, owner_name: null, tasks: [task({ task: 'a', weight: '40' }), task({ task: 'b', owner: '2' }), task({ task: 'c', days_late: 2 })] }],
  remainder: '100',
  heat: [],
} as unknown as Board

const view = (opened: string[], filters: Filter[] = [], words?: string) => ({ isOpen: (key: string, _: number, narrowed: boolean) => narrowed !== opened.includes(key), filters: new Set(filters), reader: '1', words })

const forest = (...boards: Board[]) => [boards.map((one) => one.project), new Map(boards.map((one) => [one.project.project, one]))] as const

describe('weights of siblings', () => {
  it('share what the explicit ones leave of 100', () => expect(sharesOf(['40', null, null])).toEqual([40, 30, 30]))
  it('leave nothing when the explicit ones take all', () => expect(sharesOf(['100', null])).toEqual([100, 0]))
})

describe('rows of the tree', () => {
  it('fold a goal away', () => expect(rowsOf(board, view([])).map((row) => row.key)).toEqual(['p', 'g']))
  it('unfold in the order of the service', () => expect(rowsOf(board, view(['g'])).map((row) => row.key)).toEqual(['p', 'g', 'a', 'b', 'c']))
  it('keep weights when a filter hides siblings', () => {
    const rows = rowsOf(board, view([], ['late']))
    expect(rows.map((row) => row.key)).toEqual(['p', 'g', 'c'])
    expect(rows[2]!.weight).toBe(30)
  })
  it('combine filters', () => expect(rowsOf(board, view([], ['late', 'locked']))).toHaveLength(1))
})

describe('the trees of all projects', () => {
  const other = { ...board, project: { ...board.project, project: 'q', code: 'Q-9', name: '磨床' }, goals: [{ ...board.goals[0]!, goal: 'h', title: '主轴', tasks: [task({ task: 'd', title: '动平衡', owner_name: '周启航' })] }] } as Board
  const keys = (...given: Parameters<typeof view>) => forestRows(...forest(board, other), view(...given)).map((row) => row.key)

  it('wait for a tree that is still on its way', () => {
    const [projects, boards] = forest(board, other)
    boards.delete('q')
    expect(forestRows(projects, boards, view(['p', 'q'])).map(({ key, folds }) => [key, folds])).toEqual([['p', true], ['g', true], ['q', false]])
  })
  it('fold into their projects', () => expect(keys([])).toEqual(['p', 'q']))
  it('unfold one by one', () => expect(keys(['q', 'h'])).toEqual(['p', 'q', 'h', 'd']))
  it('keep with a filter only what passes, and the way to it', () => expect(keys([], ['late'])).toEqual(['p', 'g', 'c']))
  it('fold what a filter has left, too', () => expect(keys(['g'], ['late'])).toEqual(['p', 'g']))
  it('are found by task or person, with the way there', () => {
    expect(keys([], [], '动平衡')).toEqual(['q', 'h', 'd'])
    expect(keys([], [], '周启')).toEqual(['q', 'h', 'd'])
  })
  it('stay whole where the goal or the project is what was looked for', () => {
    expect(keys([], [], '主轴')).toEqual(['q', 'h', 'd'])
    expect(keys([], [], 'p-1')).toEqual(['p'])
    expect(keys(['p'], [], 'p-1')).toEqual(['p', 'g'])
  })
  it('find nothing where nothing is', () => expect(keys([], [], 'zzz')).toEqual([]))
  it('know their place among siblings', () => {
    const rows = forestRows(...forest(board, other), view(['p', 'g']))
    const { positions, sizeOf } = placesOf(rows)
    expect(rows.map((row, index) => [row.key, positions[index], sizeOf(row)])).toEqual([['p', 1, 2], ['g', 1, 1], ['a', 1, 3], ['b', 2, 3], ['c', 3, 3], ['q', 2, 2]])
  })
})

describe('on time below a node', () => {
  const now = Date.parse('2026-03-10T00:00:00Z')
  const due = '2026-03-06T09:00:00Z'
  it('counts what is finished or late, and nothing that is not due', () => {
    const tasks = [task({ state: 'done', due_at: due, finished_at: due, days_late: 0 }), task({ due_at: due, finished_at: null, days_late: 2 }), task({ due_at: '2026-04-01T00:00:00Z', finished_at: null }), task({ due_at: null }), task({ state: 'cancelled', due_at: due })]
    expect(onTimeOf(tasks, now)).toEqual({ n: 2, share: 50 })
  })
  it('has no rate without data', () => expect(onTimeOf([task({ due_at: null })], now)).toEqual({ n: 0, share: undefined }))
})

describe('the heat of an on-time rate', () => {
  it('is classed by the figure that is shown', () => {
    expect(heatOf(89.6)?.word).toBe('onTime')
    expect(heatOf(89.4)?.word).toBe('watch')
    expect(heatOf(74.4)?.word).toBe('low')
    expect(heatOf(undefined)).toBeUndefined()
  })
})
