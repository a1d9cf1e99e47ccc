// What the search finds: projects, changes and people whose name, number or item contains the words.
import { computed, ref, watch, type Ref } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { findPeople as directoryFound } from './auth'
import { findChanges as changesFound } from './changes'
import { goals } from './clients'
import { unwrap } from './http'
import { useSession } from '@/stores/session'

export interface Find {
  kind: 'project' | 'change' | 'person'
  path: string
  code?: string
  name: string
  note?: string
}

const PAUSE = 150
const MAY_READ_WEEKS = ['manager', 'project_lead', 'hr', 'director', 'administrator']

function useSettled(words: Ref<string>): Ref<string> {
  const settled = ref('')
  let timer: ReturnType<typeof setTimeout> | undefined
  watch(words, (value) => {
    clearTimeout(timer)
    timer = setTimeout(() => (settled.value = value.trim()), PAUSE)
  })
  return settled
}

export function useFinds(words: Ref<string>) {
  const asked = useSettled(words)
  const query = useQuery({
    queryKey: ['search', asked],
    queryFn: () => Promise.all([findProjects(asked.value), findChanges(asked.value), findPeople(asked.value)]).then((found) => found.flat()),
    enabled: computed(() => asked.value.length > 0),
    refetchInterval: false,
    placeholderData: (before) => before,
  })
  return { finds: computed(() => (asked.value ? (query.data.value ?? []) : [])), busy: computed(() => query.isFetching.value || asked.value !== words.value.trim()) }
}

async function findProjects(words: string): Promise<Find[]> {
  const { projects } = await unwrap(goals.GET('/api/goals/projects'))
  const wanted = words.toLowerCase()
  const has = (...texts: (string | null)[]) => texts.some((text) => text?.toLowerCase().includes(wanted))
  return projects
    .filter((project) => has(project.code, project.name, project.customer, project.product))
    .slice(0, 6)
    .map((project) => ({ kind: 'project', path: `/boards/${project.project}`, code: project.code, name: project.name }))
}

async function findChanges(words: string): Promise<Find[]> {
  const found = await changesFound(words, '', 6)
  return found.map((change) => ({ kind: 'change', path: `/changes/${change.change}`, code: change.number, name: `${change.item_name} ${change.new_version}` }))
}

/** People lead to their week, which not every role may read: then the search leaves them out. */
async function findPeople(words: string): Promise<Find[]> {
  if (!useSession().has(...MAY_READ_WEEKS)) return []
  const people = await directoryFound(words)
  return people.slice(0, 6).map((person) => ({
    kind: 'person',
    path: `/?person=${encodeURIComponent(person.person)}`,
    name: person.name,
    note: [person.title, person.department_name].filter(Boolean).join(' · ') || undefined,
  }))
}
