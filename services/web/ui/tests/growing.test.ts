// A long board shows what fills the window first, and every row one frame after that was painted.
import { effectScope, nextTick, ref } from 'vue'
import { describe, expect, it, vi } from 'vitest'
import { useAfterPaint, useGrowing } from '@/lib/growing'

function frames() {
  const waiting: FrameRequestCallback[] = []
  vi.stubGlobal('requestAnimationFrame', (one: FrameRequestCallback) => waiting.push(one))
  vi.stubGlobal('cancelAnimationFrame', () => waiting.splice(0))
  return { paint: () => waiting.splice(0).forEach((one) => one(0)), waiting }
}

describe('useGrowing', () => {
  it('draws the first rows, then all, and rows that come later at once', () => {
    const { paint } = frames()
    const rows = ref(Array.from({ length: 100 }, (_, n) => n))
    const shown = effectScope().run(() => useGrowing(rows, innerHeight - 32 * 31))!
    expect(shown.value.length).toBe(32)
    paint()
    expect(shown.value.length).toBe(32)
    paint()
    expect(shown.value.length).toBe(100)
    rows.value = [...rows.value, 100]
    expect(shown.value.length).toBe(101)
  })

  it('asks for no frame once the page is left', () => {
    const { waiting } = frames()
    const scope = effectScope()
    scope.run(() => useGrowing(ref([1])))
    scope.stop()
    expect(waiting.length).toBe(0)
  })

  it('counts from when there is something to paint', async () => {
    const { paint, waiting } = frames()
    const ready = ref(false)
    const painted = effectScope().run(() => useAfterPaint(() => ready.value))!
    expect(waiting.length).toBe(0)
    ready.value = true
    await nextTick()
    paint()
    paint()
    expect(painted.value).toBe(true)
  })
})
