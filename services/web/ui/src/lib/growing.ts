// What fills the window is drawn at once, and the rest right after that has been painted.
import { computed, onScopeDispose, ref, type ComputedRef, type Ref } from 'vue'

/** More rows than most windows show. */
const FIRST = 32

/** False in the first painted frame, true from the next. */
export function useAfterPaint(): Ref<boolean> {
  const painted = ref(false)
  // two frames: the first paints what there is, the second finds it painted
  let frame = requestAnimationFrame(() => (frame = requestAnimationFrame(() => (painted.value = true))))
  onScopeDispose(() => cancelAnimationFrame(frame))
  return painted
}

/**
 * The rows to draw now: those that fill the window, then all of them. From then on every row is drawn at once, so that
 * find-in-page, printing and a row that comes live or is unfolded know no difference.
 */
export function useGrowing<T>(rows: Readonly<Ref<readonly T[]>>, first = FIRST): ComputedRef<readonly T[]> {
  const painted = useAfterPaint()
  return computed(() => (painted.value ? rows.value : rows.value.slice(0, first)))
}
