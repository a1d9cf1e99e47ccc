// Only the rows in view are drawn; what stands above and below them takes its room.
import { computed, onScopeDispose, ref, shallowRef, watch, type Ref } from 'vue'
import { useAfterPaint } from './growing'

/** Rows from `from` up to, and without, `to`. */
export interface Run {
  from: number
  to: number
}

/** Rows drawn beyond the window on each side, and how near its end the window comes before they are drawn anew. */
const [BEYOND, NEAR] = [24, 6]
/** The top bar covers this much of the window. */
const BAR = 48

/** Where each row begins, and after the last one where they end. */
export function offsetsOf(heights: Iterable<number>): number[] {
  const offsets = [0]
  for (const height of heights) offsets.push(offsets.at(-1)! + height)
  return offsets
}

/** The row at a height; the last one below them all. */
export function rowAt(offsets: readonly number[], y: number): number {
  let low = 0
  let high = offsets.length - 2
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (offsets[middle]! <= y) low = middle
    else high = middle - 1
  }
  return Math.max(0, low)
}

/** The rows that touch a stretch, and some beyond on both sides. */
export function runOf(offsets: readonly number[], top: number, bottom: number, beyond = 0): Run {
  const count = offsets.length - 1
  if (count < 1) return { from: 0, to: 0 }
  return { from: Math.max(0, rowAt(offsets, top) - beyond), to: Math.min(count, rowAt(offsets, Math.max(top, bottom - 1)) + 1 + beyond) }
}

export type Piece = { gap: number; key: string } | { index: number }

/** What is drawn from top to bottom: rows, the row that has the focus wherever it stands, and gaps as high as what is left out. */
export function piecesOf(offsets: readonly number[], run: Run, kept = -1): Piece[] {
  const count = offsets.length - 1
  const pieces: Piece[] = []
  let at = 0
  let gaps = 0
  const gapTo = (next: number) => {
    if (next > at) pieces.push({ gap: offsets[next]! - offsets[at]!, key: `gap-${gaps++}` })
    at = next
  }
  const draw = (from: number, to: number) => {
    gapTo(from)
    for (; at < to; at++) pieces.push({ index: at })
  }
  if (kept >= 0 && kept < run.from) draw(kept, kept + 1)
  draw(run.from, run.to)
  if (kept >= run.to && kept < count) draw(kept, kept + 1)
  gapTo(count)
  return pieces
}

interface Laid {
  keys: readonly string[]
  offsets: readonly number[]
}

/** How far the row at `top` went when rows came and went; when it is gone itself, what stood there last goes in its place. */
export function movedBy(before: Laid, now: Laid, top: number): number {
  const places = new Map(now.keys.map((key, index) => [key, index]))
  const first = rowAt(before.offsets, top)
  for (let at = first; at >= 0; at--) {
    const place = places.get(before.keys[at]!)
    if (place !== undefined) return now.offsets[place]! - before.offsets[first]!
  }
  return 0
}

/**
 * The pieces of a table's body that scrolls with the page. `above` is how many pixels stand over the first row when the
 * page opens: the first rows are drawn by that, without asking the layout. What moves above the reader when `keys`
 * change (a row comes live, a branch is folded) does not move what he looks at.
 */
export function useWindow(keys: Readonly<Ref<readonly string[]>>, heightOf: (index: number) => number, body: Readonly<Ref<HTMLElement | undefined>>, kept: () => number, above: number) {
  const offsets = computed(() => offsetsOf(keys.value.map((_, index) => heightOf(index))))
  const painted = useAfterPaint(() => keys.value.length > 0)
  const whole = ref(false)
  let view = { top: 0, bottom: Math.max(1, innerHeight - above) }
  const run = shallowRef<Run>()
  /** The first row that the reader sees. */
  const first = ref(0)
  const shown = computed(() => {
    const count = keys.value.length
    if (whole.value) return { from: 0, to: count }
    const { from, to } = run.value ?? runOf(offsets.value, view.top, view.bottom)
    return to <= count ? { from, to } : runOf(offsets.value, view.top, view.bottom, BEYOND)
  })

  function look() {
    if (!body.value) return
    const top = -body.value.getBoundingClientRect().top
    view = { top: Math.max(0, top), bottom: Math.max(1, top + innerHeight) }
    first.value = rowAt(offsets.value, top + BAR)
    const near = runOf(offsets.value, view.top, view.bottom, NEAR)
    const { from, to } = shown.value
    if (!run.value || near.from < from || near.to > to || to - from > near.to - near.from + 4 * BEYOND) run.value = runOf(offsets.value, view.top, view.bottom, BEYOND)
  }
  let frame = 0
  const soon = () => (frame ||= requestAnimationFrame(() => ((frame = 0), look())))
  const print = (on: boolean) => () => (whole.value = on)
  const [printing, printed] = [print(true), print(false)]
  const heard = { scroll: soon, resize: soon, beforeprint: printing, afterprint: printed }
  for (const [name, hear] of Object.entries(heard)) addEventListener(name, hear, { passive: true })
  onScopeDispose(() => {
    cancelAnimationFrame(frame)
    for (const [name, hear] of Object.entries(heard)) removeEventListener(name, hear)
  })
  watch(painted, look, { flush: 'post' })
  let laid = { keys: keys.value, offsets: offsets.value }
  watch([keys, offsets], () => {
    const before = laid
    laid = { keys: keys.value, offsets: offsets.value }
    const moved = view.top > 0 ? movedBy(before, laid, view.top) : 0
    if (moved) scrollBy({ top: moved, behavior: 'instant' })
    if (painted.value) look()
  }, { flush: 'post' })

  return { shown, first, pieces: computed(() => piecesOf(offsets.value, shown.value, kept())) }
}
