// How many rows of a list find room, so that a big screen never scrolls and says what it leaves out.
import { onBeforeUnmount, onMounted, ref, type Ref, watch } from 'vue'

/** Rows to show of `count` in a height: all, or one fewer than fit so that the last line can tell how many are left out. */
export function rowsThatFit(height: number, row: number, count: number): number {
  if (!(row > 0) || !(height > 0)) return count
  const room = Math.floor((height + 1) / row)
  return count <= room ? count : Math.max(1, room - 1)
}

export function useFit(list: Readonly<Ref<HTMLElement | undefined>>, count: () => number) {
  const rows = ref(1)
  const narrow = matchMedia('(max-width: 720px)')
  const measure = () => {
    const first = list.value?.firstElementChild
    // a phone may scroll
    if (narrow.matches) rows.value = count()
    else if (list.value && first) rows.value = rowsThatFit(list.value.clientHeight, first.getBoundingClientRect().height, count())
  }
  const seen = new ResizeObserver(measure)
  onMounted(() => list.value && seen.observe(list.value))
  watch([list, count], ([now], [before]) => {
    if (before && before !== now) seen.unobserve(before)
    if (now) seen.observe(now)
    measure()
  }, { flush: 'post' })
  onBeforeUnmount(() => seen.disconnect())
  return rows
}
