// What the search finds: projects, tasks, people and changes whose name, number or item contains the words.
import { computed, ref, watch, type Ref } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { find } from './boards'
import { findChanges as changesFound } from './changes'

export interface Find {
  kind: 'project' | 'task' | 'change' | 'person'
  path: string
  code?: string
  name: string
  note?: string
}

const PAUSE = 150

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
    queryFn: () => Promise.all([findHere(asked.value), findChanges(asked.value)]).then((found) => found.flat()),
    enabled: computed(() => asked.value.length > 0),
    refetchInterval: false,
    placeholderData: (before) => before,
  })
  return { finds: computed(() => (asked.value ? (query.data.value ?? []) : [])), busy: computed(() => query.isFetching.value || asked.value !== words.value.trim()) }
}

async function findHere(words: string): Promise<Find[]> {
  const { projects, tasks, people } = await find(words)
  return [
    ...projects.map((project): Find => ({ kind: 'project', path: `/boards/${project.project}`, code: project.code, name: project.name, note: project.customer ?? undefined })),
    ...tasks.map((task): Find => ({ kind: 'task', path: `/tasks/${task.task}`, code: task.code, name: task.title, note: task.project_name ?? undefined })),
    ...people.map((person): Find => ({ kind: 'person', path: `/people/${encodeURIComponent(person.person)}`, name: person.name, note: [person.title, person.department_name].filter(Boolean).join(' · ') || undefined })),
  ]
}

async function findChanges(words: string): Promise<Find[]> {
  // the rest of the search works while changes is away
  const found = await changesFound(words, '', 6).catch(() => [])
  return found.map((change) => ({ kind: 'change', path: `/changes/${change.change}`, code: change.number, name: `${change.item_name} ${change.new_version}` }))
}
