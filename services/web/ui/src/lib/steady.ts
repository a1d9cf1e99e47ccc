// Rows that change live keep their places under the pointer; sorting again is the reader's own act.
import { computed, ref, watch, type Ref } from 'vue'

/** The remembered order with what is gone left out and what is new at the end. */
export function keepOrder(remembered: readonly string[], sorted: readonly string[]): string[] {
  const there = new Set(sorted)
  const known = new Set(remembered)
  return [...remembered.filter((key) => there.has(key)), ...sorted.filter((key) => !known.has(key))]
}

/** How many rows stand elsewhere than sorting would put them. */
export function movedCount(shown: readonly string[], sorted: readonly string[]): number {
  return shown.filter((key, index) => key !== sorted[index]).length
}

export function useSteadyOrder<T>(sorted: Readonly<Ref<readonly T[]>>, keyOf: (row: T) => string) {
  const keys = computed(() => sorted.value.map(keyOf))
  const remembered = ref<string[]>([])
  watch(keys, (now) => (remembered.value = keepOrder(remembered.value, now)), { immediate: true })
  return {
    rows: computed(() => {
      const byKey = new Map(sorted.value.map((row) => [keyOf(row), row]))
      return remembered.value.map((key) => byKey.get(key)).filter((row) => row !== undefined) as T[]
    }),
    moved: computed(() => movedCount(remembered.value, keys.value)),
    sortAgain: () => (remembered.value = keys.value),
  }
}
