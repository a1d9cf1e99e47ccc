// What fills the window is drawn at once, and the rest right after that has been painted.
import { computed, onScopeDispose, ref, watch, type ComputedRef, type Ref } from 'vue'

/** No row is lower than this many pixels, and no table begins higher in the window. */
const [LOWEST_ROW, HIGHEST_TABLE] = [31, 112]

/** Once the frame that is next has been painted; at once on a page that nobody sees, for it has no frames. */
export function whenPainted(): Promise<void> {
  return new Promise((done) => (document.hidden ? done() : requestAnimationFrame(() => setTimeout(done))))
}

/** False in the first painted frame, true from the next; counted from when there is something to paint. */
export function useAfterPaint(ready: () => boolean = () => true): Ref<boolean> {
  const painted = ref(false)
  let frame = 0
  // two frames: the first paints what there is, the second finds it painted
  const count = () => (frame = requestAnimationFrame(() => (frame = requestAnimationFrame(() => (painted.value = true)))))
  watch(ready, (now) => now && count(), { immediate: true })
  onScopeDispose(() => cancelAnimationFrame(frame))
  return painted
}

/**
 * The rows to draw now: those that fill the window, then all of them. From then on every row is drawn at once, so that
 * find-in-page, printing and a row that comes live or is unfolded know no difference.
 */
export function useGrowing<T>(rows: Readonly<Ref<readonly T[]>>, above = HIGHEST_TABLE): ComputedRef<readonly T[]> {
  const painted = useAfterPaint()
  const first = Math.ceil((innerHeight - above) / LOWEST_ROW)
  return computed(() => (painted.value ? rows.value : rows.value.slice(0, first)))
}
