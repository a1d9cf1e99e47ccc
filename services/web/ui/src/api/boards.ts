// The company's board, its projects and one project's board, from web's own read model; what somebody has open; the search.
import { type MaybeRefOrGetter, toValue } from 'vue'
import { useQuery, useQueryClient, type QueryClient } from '@tanstack/vue-query'
import { whenPainted } from '@/lib/growing'
import { web } from './clients'
import { lines, unwrap } from './http'
import { Unreachable } from './problem'
import type { components } from './schema/web'

type Schemas = components['schemas']
/** One of the past says nothing of its need. */
export type Project = Omit<Schemas['BoardSummary'], 'need'> & { need?: string }
export type Board = Omit<Schemas['Board'], 'project'> & { project: Project }
export type Goal = Schemas['BoardGoal']
export type BoardTask = Schemas['BoardTask']
export type CompanyBoard = Omit<Schemas['CompanyBoard'], 'projects' | 'boards'> & { projects: Project[]; boards: Board[] }
export type OpenWork = Schemas['OpenWork']

export function useProjects() {
  return useQuery({ queryKey: ['boards'], queryFn: () => unwrap(web.GET('/api/boards')).then((list) => list.projects) })
}

const askBoard = (project: string): Promise<Board> => unwrap(web.GET('/api/boards/{project}', { params: { path: { project } } }))

const COMPANY = 'company-board'

/** From the company's board it is on the screen at once, and then as it is now. */
export function useBoard(project: MaybeRefOrGetter<string>) {
  const queries = useQueryClient()
  const company = () => queries.getQueryState<CompanyBoard>([COMPANY, false])
  return useQuery({
    queryKey: ['board', project],
    enabled: () => Boolean(toValue(project)),
    queryFn: () => askBoard(toValue(project)),
    initialData: () => company()?.data?.boards.find((board) => board.project.project === toValue(project)),
    initialDataUpdatedAt: () => (company()?.isInvalidated ? 0 : company()?.dataUpdatedAt),
  })
}

/** More rows than any window is high. */
const SCREENFUL = 80

/** All projects that run, or all in the archive, with their trees; at first those that fill the window, once these are painted the others. */
export function useCompanyBoard(archived: MaybeRefOrGetter<boolean>) {
  const queries = useQueryClient()
  return useQuery({
    queryKey: [COMPANY, archived],
    queryFn: ({ queryKey, signal }) => {
      const known = queries.getQueryData(queryKey) !== undefined
      return readCompanyBoard(Boolean(queryKey[1]), signal, (some) => (known ? undefined : (queries.setQueryData(queryKey, some), whenPainted())))
    },
    // an answer that is new to the last board takes its place; looking for what is the same in both would cost as much as parsing it
    structuralSharing: false,
    // live changes come project by project; the whole is large, so the poll for a lost message is slower
    refetchInterval: 5 * 60_000,
  })
}

/** The figures are the answer's first line and each tree one of its own: `first` gets what fills a window before the rest is parsed. */
export async function readCompanyBoard(archived: boolean, signal: AbortSignal, first: (some: CompanyBoard) => Promise<void> | undefined): Promise<CompanyBoard> {
  let company: CompanyBoard | undefined
  let rows = 0
  for await (const line of lines(`${location.origin}/api/boards/company?archived=${archived}`, { signal })) {
    if (!company) company = JSON.parse(`${line}]}`) as CompanyBoard
    else if (line.startsWith('{')) {
      const board = JSON.parse(line.endsWith(',') ? line.slice(0, -1) : line) as Board
      company = { ...company, boards: [...company.boards, board] }
      const before = rows
      rows += board.goals.reduce((sum, goal) => sum + 1 + goal.tasks.length, 1)
      if (before < SCREENFUL && rows >= SCREENFUL && company.boards.length < company.projects.length) await first(company)
    }
  }
  if (!company || company.boards.length < company.projects.length) throw new Unreachable()
  return company
}

const changed = new Set<string>()
let refreshing = false

/** After live changes in these projects: asks for their boards alone and puts them into the company's board. */
export async function refreshCompanyBoard(queries: QueryClient, projects: Iterable<string>): Promise<void> {
  for (const project of projects) changed.add(project)
  if (refreshing) return
  refreshing = true
  try {
    while (changed.size) {
      const wanted = [...changed]
      changed.clear()
      await refreshOnce(queries, wanted)
    }
  } finally {
    refreshing = false
  }
}

async function refreshOnce(queries: QueryClient, projects: readonly string[]): Promise<void> {
  // who is not on the board now asks anew when he comes back
  await queries.invalidateQueries({ queryKey: [COMPANY], refetchType: 'none' })
  const [query] = queries.getQueryCache().findAll({ queryKey: [COMPANY], type: 'active' })
  const known = (query?.state.data as CompanyBoard | undefined)?.boards
  if (!query || !known) return
  const whole = () => queries.invalidateQueries({ queryKey: query.queryKey, exact: true })
  // an answer under way may be older than the change
  if (query.state.fetchStatus !== 'idle') return void whole()
  const boards = await Promise.all(projects.map(askBoard)).catch(() => undefined)
  const here = new Set(known.map((board) => board.project.project))
  if (!boards || boards.some((board) => here.has(board.project.project) !== (isArchived(board) === query.queryKey[1]))) return void whole()
  const anew = new Map(boards.map((board) => [board.project.project, board]))
  queries.setQueryData<CompanyBoard>(query.queryKey, (now) =>
    now && { ...now, projects: now.projects.map((one) => anew.get(one.project)?.project ?? one), boards: now.boards.map((board) => anew.get(board.project.project) ?? board) },
  )
}

const isArchived = ({ project }: Board) => project.state === 'done' || project.state === 'cancelled'

export function useOpenWork(person: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: ['work', person],
    queryFn: () => unwrap(web.GET('/api/people/{person}/work', { params: { path: { person: toValue(person) } } })),
    enabled: () => Boolean(toValue(person)),
  })
}

export const find = (words: string) => unwrap(web.GET('/api/search', { params: { query: { q: words } } }))
