// Live rows never move under the pointer.
import { expect, it } from 'vitest'
import { nextTick, ref } from 'vue'
import { keepOrder, movedCount, useSteadyOrder } from '@/lib/steady'

it('keeps places, drops what is gone and puts what is new at the end', () => {
  expect(keepOrder(['a', 'b', 'c'], ['c', 'd', 'a'])).toEqual(['a', 'c', 'd'])
})
it('counts what sorting would move', () => {
  expect(movedCount(['a', 'b', 'c'], ['a', 'b', 'c'])).toBe(0)
  expect(movedCount(['a', 'b', 'c'], ['b', 'a', 'c'])).toBe(2)
})
it('sorts again only when asked', async () => {
  const sorted = ref([{ id: 'a', n: 1 }, { id: 'b', n: 1 }])
  const { rows, moved, sortAgain } = useSteadyOrder(sorted, (row) => row.id)
  sorted.value = [{ id: 'b', n: 9 }, { id: 'a', n: 1 }]
  await nextTick()
  expect(rows.value.map((row) => row.id)).toEqual(['a', 'b'])
  expect(rows.value[1]!.n).toBe(9)
  expect(moved.value).toBe(2)
  sortAgain()
  expect(rows.value.map((row) => row.id)).toEqual(['b', 'a'])
  expect(moved.value).toBe(0)
})
