// The projects that a big screen shows in turn: each for a while, paused on demand, never by force on who asks for less motion.
import { computed, onBeforeUnmount, ref, type Ref, watch } from 'vue'

export const TURN = 20_000

/** Who comes after `shown`; the first one when `shown` has gone. */
export function nextOf(keys: readonly string[], shown: string | undefined, step = 1): string | undefined {
  if (!keys.length) return undefined
  const at = shown === undefined ? -1 : keys.indexOf(shown)
  return at < 0 ? keys[0] : keys[(at + step + keys.length) % keys.length]
}

export function useRotation(keys: Readonly<Ref<readonly string[]>>, turn = TURN) {
  const still = matchMedia('(prefers-reduced-motion: reduce)').matches
  const paused = ref(still)
  const chosen = ref<string>()
  const shown = computed(() => (chosen.value !== undefined && keys.value.includes(chosen.value) ? chosen.value : keys.value[0]))
  let timer: ReturnType<typeof setInterval> | undefined

  function show(step: number) {
    chosen.value = nextOf(keys.value, shown.value, step)
    begin()
  }
  /** A turn is whole again whenever it begins anew. */
  function begin() {
    clearInterval(timer)
    if (!paused.value) timer = setInterval(() => (chosen.value = nextOf(keys.value, shown.value)), turn)
  }
  watch(paused, begin, { immediate: true })
  onBeforeUnmount(() => clearInterval(timer))
  return { shown, paused, toggle: () => (paused.value = !paused.value), next: () => show(1), previous: () => show(-1) }
}
