// The company's board, its projects and one project's board, from web's own read model; what somebody has open; the search.
import { type MaybeRefOrGetter, toValue } from 'vue'
import { useQuery, type QueryClient } from '@tanstack/vue-query'
import { web } from './clients'
import { unwrap } from './http'
import type { components } from './schema/web'

type Schemas = components['schemas']
export type Project = Schemas['BoardSummary']
export type Board = Schemas['Board']
export type Goal = Schemas['BoardGoal']
export type BoardTask = Schemas['BoardTask']
export type CompanyBoard = Schemas['CompanyBoard']
export type OpenWork = Schemas['OpenWork']

export function useProjects() {
  return useQuery({ queryKey: ['boards'], queryFn: () => unwrap(web.GET('/api/boards')).then((list) => list.projects) })
}

const askBoard = (project: string) => unwrap(web.GET('/api/boards/{project}', { params: { path: { project } } }))

export function useBoard(project: MaybeRefOrGetter<string>) {
  return useQuery({ queryKey: ['board', project], enabled: () => Boolean(toValue(project)), queryFn: () => askBoard(toValue(project)) })
}

const COMPANY = 'company-board'

/** All projects that run, or all in the archive, with their trees. */
export function useCompanyBoard(archived: MaybeRefOrGetter<boolean>) {
  return useQuery({
    queryKey: [COMPANY, archived],
    queryFn: () => unwrap(web.GET('/api/boards/company', { params: { query: { archived: toValue(archived) } } })),
    // live changes come project by project; the whole is large, so the poll for a lost message is slower
    refetchInterval: 5 * 60_000,
  })
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
  queries.setQueryData<CompanyBoard>(query.queryKey, (now) => now && { ...now, boards: now.boards.map((board) => anew.get(board.project.project) ?? board) })
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
