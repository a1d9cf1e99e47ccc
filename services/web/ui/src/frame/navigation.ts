// The destinations of the rail and the bottom bar, by role.
import type { IconName } from '@/components/icons'

export interface Destination {
  path: string
  label: string
  icon: IconName
  roles?: readonly string[]
  badge?: boolean
  /** Suppliers see it too. */
  outside?: boolean
}

export const DESTINATIONS: readonly Destination[] = [
  { path: '/', label: 'nav.week', icon: 'week' },
  { path: '/boards', label: 'nav.boards', icon: 'board' },
  { path: '/changes', label: 'nav.changes', icon: 'change' },
  { path: '/consents', label: 'nav.consents', icon: 'matrix' },
  { path: '/goals', label: 'nav.goals', icon: 'goal' },
  { path: '/rules', label: 'nav.rules', icon: 'rules', roles: ['process_owner', 'director', 'administrator'] },
  { path: '/appeals', label: 'nav.appeals', icon: 'shield', roles: ['hr', 'process_owner', 'auditor'] },
  { path: '/people', label: 'nav.people', icon: 'person' },
  { path: '/inbox', label: 'nav.inbox', icon: 'inbox', badge: true, outside: true },
  { path: '/integration', label: 'nav.integration', icon: 'plug', roles: ['integrator', 'administrator'] },
]

export const PHONE: readonly Destination[] = [
  { path: '/', label: 'nav.week', icon: 'week' },
  { path: '/boards', label: 'nav.boards', icon: 'board' },
  { path: '/inbox', label: 'nav.inbox', icon: 'inbox', badge: true, outside: true },
  { path: '/changes', label: 'nav.changes', icon: 'change' },
  { path: '/me', label: 'nav.me', icon: 'person', outside: true },
]

type Has = (...roles: string[]) => boolean

/** What these roles lead to; a supplier sees only what is outside the company's projects. */
export function visible(destinations: readonly Destination[], has: Has): Destination[] {
  return destinations.filter((one) => (has('supplier') ? one.outside : !one.roles || has(...one.roles)))
}

export function isCurrent(destination: Destination, path: string): boolean {
  return destination.path === '/' ? path === '/' : path === destination.path || path.startsWith(`${destination.path}/`)
}
