// How the reader has unfolded and narrowed the company's board: kept in the address, single rows for this tab.
import { computed, ref, watch } from 'vue'
import { useRoute, useRouter, type LocationQueryRaw } from 'vue-router'
import type { Filter, Row } from '../board/rows'

/** How far trees stand unfolded, from the outside in. */
export const DEPTHS = ['projects', 'goals', 'tasks', 'all'] as const
export type Depth = (typeof DEPTHS)[number]

const FILTERS: readonly Filter[] = ['mine', 'locked', 'late']
const KEY = 'bihuan.company-board'
/** More rows than anybody folds by hand. */
const MOST = 500

/** Whether a row is open: as the depth says, or the other way round where the reader has turned it. */
export const isOpen = (depth: Depth, turned: ReadonlySet<string>, key: string, level: number): boolean => level < DEPTHS.indexOf(depth) !== turned.has(key)

export function useView() {
  const route = useRoute()
  const router = useRouter()
  const text = (name: string) => (typeof route.query[name] === 'string' ? route.query[name] : '')
  const ask = (query: LocationQueryRaw) => void router.replace({ query: { ...route.query, ...query } })

  const depth = computed<Depth>(() => DEPTHS.find((one) => one === text('depth')) ?? 'projects')
  const filters = computed(() => new Set(FILTERS.filter((one) => text('only').split(',').includes(one))))
  const archived = computed(() => text('archived') === '1')
  const words = ref(text('find'))
  const turned = ref(new Set(kept()))
  /** Folded while a filter or words unfold all that they leave. */
  const folded = ref(new Set<string>())
  watch([() => [...filters.value].join(), words], () => folded.value.clear())
  function keep() {
    sessionStorage.setItem(KEY, JSON.stringify([...turned.value].slice(-MOST)))
  }
  return {
    depth,
    filters,
    archived,
    words,
    isOpen: (key: string, level: number, narrowed: boolean) => (narrowed ? !folded.value.has(key) : isOpen(depth.value, turned.value, key, level)),
    turn({ key, narrowed }: Row) {
      const set = narrowed ? folded.value : turned.value
      if (!set.delete(key)) set.add(key)
      keep()
    },
    setDepth(to: Depth) {
      turned.value.clear()
      keep()
      ask({ depth: to === 'projects' ? undefined : to })
    },
    toggle(filter: Filter) {
      const on = FILTERS.filter((one) => filters.value.has(one) !== (one === filter))
      ask({ only: on.join(',') || undefined })
    },
    setArchived: (on: boolean) => ask({ archived: on ? '1' : undefined }),
    find: (typed: string) => ((words.value = typed), ask({ find: typed.trim() || undefined })),
  }
}

function kept(): string[] {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? '[]')
    return Array.isArray(found) ? found.filter((one) => typeof one === 'string') : []
  } catch {
    return []
  }
}
