// Projects take turns on a big screen, a paused one stays, and lists say what they leave out.
import { mount } from '@vue/test-utils'
import { defineComponent, h, ref } from 'vue'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { BoardTask } from '@/api/boards'
import { byNeed } from '@/pages/screen/attention'
import { rowsThatFit } from '@/pages/screen/fit'
import { nextOf, TURN, useRotation } from '@/pages/screen/rotation'

function rotate(keys: string[], reduced = false) {
  vi.stubGlobal('matchMedia', () => ({ matches: reduced }))
  const list = ref(keys)
  let rotation!: ReturnType<typeof useRotation>
  const held = mount(defineComponent({ setup: () => ((rotation = useRotation(list)), () => h('i')) }))
  return { list, rotation, held }
}

describe('projects in turn', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('each stays twenty seconds, and the first follows the last', () => {
    const { rotation } = rotate(['a', 'b'])
    expect(rotation.shown.value).toBe('a')
    vi.advanceTimersByTime(TURN)
    expect(rotation.shown.value).toBe('b')
    vi.advanceTimersByTime(TURN)
    expect(rotation.shown.value).toBe('a')
  })
  it('stand still while paused, and by hand a turn begins anew', async () => {
    const { rotation } = rotate(['a', 'b', 'c'])
    vi.advanceTimersByTime(TURN - 1000)
    rotation.next()
    vi.advanceTimersByTime(TURN - 1000)
    expect(rotation.shown.value).toBe('b')
    rotation.toggle()
    await Promise.resolve()
    vi.advanceTimersByTime(5 * TURN)
    expect(rotation.shown.value).toBe('b')
  })
  it('do not move by themselves for who asks for less motion', () => {
    const { rotation } = rotate(['a', 'b'], true)
    expect(rotation.paused.value).toBe(true)
    vi.advanceTimersByTime(3 * TURN)
    expect(rotation.shown.value).toBe('a')
  })
  it('go on when the one on show is finished', () => {
    const { rotation, list } = rotate(['a', 'b', 'c'])
    rotation.next()
    list.value = ['a', 'c']
    expect(rotation.shown.value).toBe('a')
    expect(nextOf(['a', 'c'], 'b')).toBe('a')
    expect(nextOf([], 'a')).toBeUndefined()
  })
  it('stop with the page', () => {
    const { held } = rotate(['a', 'b'])
    held.unmount()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a list without scrolling', () => {
  it('shows all that fit', () => expect(rowsThatFit(300, 60, 5)).toBe(5))
  it('keeps its last line for what is left out', () => expect(rowsThatFit(300, 60, 9)).toBe(4))
  it('is whole before it is measured', () => expect(rowsThatFit(0, 0, 9)).toBe(9))
})

it('locked comes before late, late before a retest without an answer, then by due date', () => {
  const task = (code: string, more: Partial<BoardTask>) => ({ code, locks: [], days_late: 0, retest: null, due_at: '2026-03-02T00:00:00Z', ...more }) as unknown as BoardTask
  const tasks = [task('next', {}), task('late', { days_late: 3 }), task('retest', { retest: { answer: null } as BoardTask['retest'] }), task('locked', { locks: [{}] as BoardTask['locks'] }), task('sooner', { due_at: '2026-03-01T00:00:00Z' })]
  expect(byNeed(tasks).map((one) => one.code)).toEqual(['locked', 'late', 'retest', 'sooner', 'next'])
})
