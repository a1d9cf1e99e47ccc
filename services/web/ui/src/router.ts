// Which page stands at which path; each page is its own chunk.
import { createRouter, createWebHistory, type RouteLocationNormalized, type RouteRecordRaw } from 'vue-router'
import { useSession } from '@/stores/session'

declare module 'vue-router' {
  interface RouteMeta {
    /** Key of the place name in the top bar. */
    place?: string
    /** Where the first part of the place leads. */
    parent?: string
    open?: boolean
    /** Without rail and bars: for a wall. */
    bare?: boolean
    roles?: string[]
    /** A change of its query leaves the reader where he is. */
    still?: boolean
  }
}

const routes: RouteRecordRaw[] = [
  { path: '/', component: () => import('@/pages/week/WeekPage.vue'), meta: { place: 'nav.week' } },
  { path: '/boards', component: () => import('@/pages/boards/BoardsPage.vue'), meta: { place: 'nav.boards', still: true } },
  { path: '/boards/templates', component: () => import('@/pages/templates/TemplatesPage.vue'), meta: { place: 'nav.boards', parent: '/boards' } },
  { path: '/boards/:id/document', component: () => import('@/pages/document/DocumentPage.vue'), meta: { place: 'nav.boards', parent: '/boards' } },
  { path: '/boards/new', component: () => import('@/pages/project/NewProjectPage.vue'), meta: { place: 'nav.boards', parent: '/boards' } },
  { path: '/boards/:id/settings', component: () => import('@/pages/project/ProjectEditPage.vue'), meta: { place: 'nav.boards', parent: '/boards' } },
  { path: '/boards/:id', component: () => import('@/pages/board/BoardPage.vue'), meta: { place: 'nav.boards', parent: '/boards' } },
  { path: '/boards/:id/edit', component: () => import('@/pages/tree-edit/TreeEditPage.vue'), meta: { place: 'nav.boards', parent: '/boards' } },
  { path: '/boards/:id/import', component: () => import('@/pages/import/ImportPage.vue'), meta: { place: 'nav.boards', parent: '/boards' } },
  { path: '/wall', component: () => import('@/pages/wall/WallPage.vue'), meta: { place: 'nav.wall', bare: true } },
  { path: '/tasks/:id', component: () => import('@/pages/task/TaskPage.vue'), meta: { place: 'nav.task' } },
  { path: '/requests', component: () => import('@/pages/requests/RequestsPage.vue'), meta: { place: 'nav.requests' } },
  { path: '/goals', component: () => import('@/pages/goals/GoalsPage.vue'), meta: { place: 'nav.goals' } },
  { path: '/evidence', component: () => import('@/pages/evidence/EvidencePage.vue'), meta: { place: 'proof.page' } },
  { path: '/changes', component: () => import('@/pages/changes/ChangesPage.vue'), meta: { place: 'nav.changes' } },
  { path: '/changes/new', component: () => import('@/pages/new-change/NewChangePage.vue'), meta: { place: 'nav.changes', parent: '/changes' } },
  { path: '/changes/:id', component: () => import('@/pages/change/ChangePage.vue'), meta: { place: 'nav.changes', parent: '/changes' } },
  { path: '/consents', component: () => import('@/pages/consents/ConsentsPage.vue'), meta: { place: 'nav.consents' } },
  { path: '/consents/new', component: () => import('@/pages/consents/NewConsentPage.vue'), meta: { place: 'nav.consents', parent: '/consents' } },
  { path: '/consents/record', component: () => import('@/pages/consents/RecordPage.vue'), meta: { place: 'nav.record', parent: '/consents' } },
  { path: '/consents/compensations', component: () => import('@/pages/consents/CompensationsPage.vue'), meta: { place: 'nav.compensations', parent: '/consents' } },
  { path: '/appeals', component: () => import('@/pages/appeals/AppealsPage.vue'), meta: { place: 'nav.appeals' } },
  { path: '/appeals/new', component: () => import('@/pages/appeals/NewAppealPage.vue'), meta: { place: 'nav.appeals', parent: '/appeals' } },
  { path: '/appeals/:id', component: () => import('@/pages/appeals/AppealPage.vue'), meta: { place: 'nav.appeals', parent: '/appeals' } },
  { path: '/consents/:id', component: () => import('@/pages/consents/ConsentPage.vue'), meta: { place: 'nav.consents', parent: '/consents' } },
  { path: '/rules', component: () => import('@/pages/rules/RulesPage.vue'), meta: { place: 'nav.rules' } },
  { path: '/rules/:id', component: () => import('@/pages/rules/RulePage.vue'), meta: { place: 'nav.rules', parent: '/rules' } },
  { path: '/people', component: () => import('@/pages/people/PeoplePage.vue'), meta: { place: 'nav.people' } },
  { path: '/people/new', component: () => import('@/pages/people/PersonEditPage.vue'), meta: { place: 'nav.people', parent: '/people' } },
  { path: '/people/:id/edit', component: () => import('@/pages/people/PersonEditPage.vue'), meta: { place: 'nav.people', parent: '/people' } },
  { path: '/people/:id', component: () => import('@/pages/people/PersonPage.vue'), meta: { place: 'nav.people', parent: '/people' } },
  { path: '/inbox/:id?', component: () => import('@/pages/inbox/InboxPage.vue'), meta: { place: 'nav.inbox' } },
  { path: '/integration', component: () => import('@/pages/integration/IntegrationPage.vue'), meta: { place: 'nav.integration', roles: ['integrator', 'administrator'] } },
  { path: '/me', component: () => import('@/pages/me/MePage.vue'), meta: { place: 'nav.me' } },
  { path: '/sign-in', component: () => import('@/pages/sign-in/SignInPage.vue'), meta: { open: true } },
  { path: '/:rest(.*)*', component: () => import('@/pages/NotFoundPage.vue'), meta: { place: 'nav.unknown' } },
]
if (import.meta.env.DEV)
  routes.unshift({ path: '/gallery', component: () => import('@/pages/gallery/GalleryPage.vue'), meta: { place: 'nav.gallery', open: true } })

export const router = createRouter({
  history: createWebHistory(),
  routes,
  scrollBehavior: async (to, from, saved) => {
    if (!saved && to.meta.still && to.path === from.path) return false
    // on the way back the page has its data: it is whole once what fills the window has been painted
    if (saved) for (let frame = 0; frame < 4; frame++) await new Promise(requestAnimationFrame)
    return saved ?? (to.hash ? { el: to.hash, top: 56 } : { top: 0 })
  },
})

router.beforeEach(async (to) => {
  const session = useSession()
  fetchPage(to)
  if (!session.known) await session.load().catch(() => undefined)
  if (to.meta.open) return true
  if (!session.person) return { path: '/sign-in', query: to.path === '/' ? {} : { next: to.fullPath } }
  // a supplier's people have their inbox here and nothing of the projects
  if (session.has('supplier') && !to.path.startsWith('/inbox') && to.path !== '/me') return '/inbox'
  return true
})

/** Fetches the page's own script while the answer who is signed in is still on its way. */
function fetchPage(to: RouteLocationNormalized): void {
  // a failure shows when the router itself asks for the page
  for (const page of to.matched.flatMap((record) => Object.values(record.components ?? {})))
    if (typeof page === 'function') void Promise.resolve((page as () => unknown)()).catch(() => undefined)
}

/** A path inside this application, whatever somebody put into the address. */
export function innerPath(next: unknown): string {
  return typeof next === 'string' && /^\/(?![/\\])/.test(next) ? next : '/'
}
