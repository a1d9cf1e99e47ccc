// The company's board: only the rows in view are drawn, nothing moves under the reader, live changes come project by project.
import { effectScope, nextTick, ref } from 'vue'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { QueryClient, QueryObserver } from '@tanstack/vue-query'
import { readCompanyBoard, refreshCompanyBoard, type Board, type CompanyBoard } from '@/api/boards'
import { movedBy, offsetsOf, piecesOf, rowAt, runOf, useWindow } from '@/lib/window'
import { freshRows, heatOfAll } from '@/pages/boards/company'
import { isOpen } from '@/pages/boards/view'

const even = offsetsOf(Array.from({ length: 100 }, () => 31))

describe('the rows in view', () => {
  it('are those that touch the window, and some beyond', () => {
    expect(runOf(even, 0, 620)).toEqual({ from: 0, to: 20 })
    expect(runOf(even, 31 * 50, 31 * 50 + 620)).toEqual({ from: 50, to: 70 })
    expect(runOf(even, 31 * 50 + 1, 31 * 50 + 620, 5)).toEqual({ from: 45, to: 75 })
    expect(runOf(even, 31 * 98, 31 * 120, 5)).toEqual({ from: 93, to: 100 })
    expect(runOf([0], 0, 620)).toEqual({ from: 0, to: 0 })
  })
  it('are found among rows of different heights', () => {
    const offsets = offsetsOf([108, 108, 80, 80, 108])
    expect([0, 107, 108, 300, 376, 999].map((y) => rowAt(offsets, y))).toEqual([0, 0, 1, 3, 4, 4])
  })
  it('leave the room of all others, and the row with the focus in its place', () => {
    const height = (kept?: number) => piecesOf(even, { from: 40, to: 60 }, kept).reduce((sum, piece) => sum + ('gap' in piece ? piece.gap : 31), 0)
    for (const kept of [-1, 3, 39, 45, 60, 99]) expect(height(kept)).toBe(3100)
    expect(piecesOf(even, { from: 40, to: 41 }, 3)).toEqual([{ gap: 93, key: 'gap-0' }, { index: 3 }, { gap: 36 * 31, key: 'gap-1' }, { index: 40 }, { gap: 59 * 31, key: 'gap-2' }])
  })
  it('follow the reader by how far his row went', () => {
    const laid = (...keys: string[]) => ({ keys, offsets: offsetsOf(keys.map(() => 31)) })
    expect(movedBy(laid('a', 'b', 'c'), laid('a', 'x', 'y', 'b', 'c'), 31)).toBe(62)
    expect(movedBy(laid('a', 'b', 'c', 'd'), laid('a', 'd'), 93)).toBe(-62)
    expect(movedBy(laid('a', 'b', 'c'), laid('a'), 62), 'what is folded away leaves what it stood in').toBe(-62)
    expect(movedBy(laid('a'), laid('b'), 31)).toBe(0)
  })
})

describe('useWindow', () => {
  afterEach(() => vi.unstubAllGlobals())
  it('draws what fills the window without asking the layout, then some more; after that what the page scrolls to', async () => {
    const frames: FrameRequestCallback[] = []
    const paint = async () => {
      for (const frame of frames.splice(0)) frame(0)
      await nextTick()
    }
    vi.stubGlobal('requestAnimationFrame', (one: FrameRequestCallback) => frames.push(one))
    vi.stubGlobal('cancelAnimationFrame', () => undefined)
    vi.stubGlobal('scrollBy', vi.fn())
    const body = document.createElement('tbody')
    let top = 200
    const asked = vi.spyOn(body, 'getBoundingClientRect').mockImplementation(() => ({ top }) as DOMRect)
    const keys = ref(Array.from({ length: 500 }, (_, index) => `k${index}`))
    const scope = effectScope()
    const { shown } = scope.run(() => useWindow(keys, () => 31, ref(body), () => -1, innerHeight - 620))!
    expect(shown.value).toEqual({ from: 0, to: 20 })
    expect(asked).not.toHaveBeenCalled()
    await paint()
    await paint()
    expect(shown.value.to).toBeGreaterThan(40)
    keys.value = ['new', ...keys.value]
    await nextTick()
    expect(scrollBy, 'its top is in view: nothing to hold').not.toHaveBeenCalled()
    top = -31 * 100
    keys.value = [...keys.value]
    await nextTick()
    keys.value = ['newer', ...keys.value]
    await nextTick()
    expect(scrollBy).toHaveBeenCalledWith({ top: 31, behavior: 'instant' })
    expect(shown.value.from).toBeGreaterThan(70)
    scope.stop()
  })
})

const board = (project: string, given: Partial<Board['project']> = {}, goals: unknown[] = []) => ({ project: { project, state: 'active', name: project, ...given }, goals, heat: [], remainder: '0' }) as unknown as Board

describe('folding', () => {
  it('is as deep as chosen, and the other way round where the reader has turned a row', () => {
    const open = (depth: Parameters<typeof isOpen>[0], turned: string[] = []) => [0, 1, 2].map((level) => isOpen(depth, new Set(turned), `l${level}`, level))
    expect(open('projects')).toEqual([false, false, false])
    expect(open('tasks')).toEqual([true, true, false])
    expect(open('all', ['l1'])).toEqual([true, false, true])
    expect(open('projects', ['l0'])).toEqual([true, false, false])
  })
})

describe('heat of all projects', () => {
  it('adds the cells of a node up, what came late most often first', () => {
    const heat = (node: string, n: number, on_time: string | null) => ({ node, kind: 'test', n, on_time })
    const boards = [{ ...board('p'), heat: [heat('A', 3, '66.7'), heat('B', 4, '0')] }, { ...board('q'), heat: [heat('A', 1, '100'), heat('C', 0, null)] }] as unknown as Board[]
    const { cells, nodes } = heatOfAll(boards)
    expect(nodes).toEqual(['B', 'A', 'C'])
    expect(cells.map(({ node, n, on_time }) => [node, n, on_time])).toEqual([['B', 4, '0'], ['A', 4, '75'], ['C', 0, null]])
  })
})

describe('the answer', () => {
  const tasks = (count: number) => [{ goal: 'g', tasks: Array.from({ length: count }, (_, index) => ({ task: `t${index}` })) }]
  const boards = [board('p', {}, tasks(50)), board('q', { name: '新\n行' }, tasks(50)), board('r', {}, tasks(50))]
  /** As web sends it: the figures first, then each tree on its own line. */
  const text = (...sent: Board[]) => `${JSON.stringify({ archived: 2, projects: boards.map((one) => one.project), boards: [] }).slice(0, -2)}\n${sent.map((one) => JSON.stringify(one)).join(',\n')}\n]}`
  function sends(body: string, size: number) {
    const bytes = new TextEncoder().encode(body)
    const pull = (at: number) => new ReadableStream({ pull: (stream) => (at < bytes.length ? (stream.enqueue(bytes.slice(at, (at += size))), undefined) : stream.close()) })
    vi.stubGlobal('fetch', async () => new Response(pull(0)))
  }
  afterEach(() => vi.unstubAllGlobals())
  const read = (first = vi.fn(async (_: CompanyBoard) => undefined)) => ({ first, answer: readCompanyBoard(false, new AbortController().signal, first) })

  it('is read line by line, wherever it is cut', async () => {
    for (const size of [1, 7, 1000, 1_000_000]) {
      sends(text(...boards), size)
      const { answer } = read()
      expect(await answer).toEqual(JSON.parse(text(...boards)))
    }
  })
  it('shows what fills a window before the rest is read', async () => {
    sends(text(...boards), 1000)
    const { first, answer } = read()
    await answer
    expect(first).toHaveBeenCalledOnce()
    const [some] = first.mock.calls[0]!
    expect([some.archived, some.projects.length, some.boards.length]).toEqual([2, 3, 2])
  })
  it('that ends too early is none', async () => {
    sends(text(...boards.slice(0, 2)), 1000)
    await expect(read().answer).rejects.toThrow()
  })
})

describe('a live change', () => {
  it('shows on its own row, or on the nearest that is not folded away', () => {
    const boards = [board('p', {}, [{ goal: 'g', tasks: [{ task: 't' }] }])]
    expect([...freshRows(boards, ['t'], new Set(['p', 'g', 't']))]).toEqual(['t'])
    expect([...freshRows(boards, ['t'], new Set(['p', 'g']))]).toEqual(['g'])
    expect([...freshRows(boards, ['t', 'p', 'elsewhere'], new Set(['p']))]).toEqual(['p'])
  })

  function company(...boards: Board[]) {
    const queries = new QueryClient()
    const all: CompanyBoard = { archived: 0, projects: boards.map((one) => one.project), boards }
    const whole = vi.fn(async () => all)
    queries.setQueryData(['company-board', false], all)
    const stop = new QueryObserver(queries, { queryKey: ['company-board', false], queryFn: whole, staleTime: Infinity }).subscribe(() => undefined)
    const shown = () => queries.getQueryData<CompanyBoard>(['company-board', false])!.boards
    return { queries, whole, shown, stop }
  }
  function answers(...boards: Board[]) {
    const asked: string[] = []
    vi.stubGlobal('fetch', async (request: Request) => {
      const project = new URL(request.url).pathname.split('/').at(-1)!
      asked.push(project)
      const found = boards.find((one) => one.project.project === project)
      return new Response(JSON.stringify(found ?? {}), { status: found ? 200 : 404, headers: { 'Content-Type': 'application/json' } })
    })
    return asked
  }
  afterEach(() => vi.unstubAllGlobals())

  it('asks for its own project alone, and leaves the others as they are', async () => {
    const other = board('q')
    const { queries, whole, shown, stop } = company(board('p'), other)
    const asked = answers(board('p', { name: 'new' }))
    await refreshCompanyBoard(queries, ['p'])
    expect(asked).toEqual(['p'])
    expect(shown().map((one) => one.project.name)).toEqual(['new', 'q'])
    expect(queries.getQueryData<CompanyBoard>(['company-board', false])!.projects.map((one) => one.name)).toEqual(['new', 'q'])
    expect(shown()[1]).toBe(other)
    expect(whole).not.toHaveBeenCalled()
    stop()
  })
  it('asks for everything when a project begins, ends or is gone', async () => {
    for (const changed of [board('new'), board('p', { state: 'done' }), undefined]) {
      const { queries, whole, stop } = company(board('p'))
      answers(...(changed ? [changed] : []))
      await refreshCompanyBoard(queries, [changed?.project.project ?? 'p'])
      await vi.waitFor(() => expect(whole).toHaveBeenCalledOnce())
      stop()
    }
  })
  it('in the archive touches nothing that runs', async () => {
    const { queries, whole, stop } = company(board('p'))
    answers(board('old', { state: 'done' }))
    await refreshCompanyBoard(queries, ['old'])
    expect(whole).not.toHaveBeenCalled()
    stop()
  })
})
