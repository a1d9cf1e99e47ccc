// What belongs together on the page of a change.
import { expect, test } from 'vitest'
import type { ChangeDetail, ImpactRow } from '@/api/changes'
import { balloonsOf, bound, line, person, task, together } from '@/pages/change/balloons'

const row = bound('row:1', person('10231'), task('T'), line('TP-08'))

test('a row belongs to its lines, its person and its task, and to no other row', () => {
  expect(together(row, bound(line('TP-08')))).toBe(true)
  expect(together(row, 'person:10231')).toBe(true)
  expect(together(bound('task:T', person('10231')), row)).toBe(true)
  expect(together(row, bound('row:2', person('10231'), line('TP-08')))).toBe(false)
  expect(together(row, bound(line('HS-40')))).toBe(false)
})

test('a path that starts at the changed item comes from every line, one through an item from that line alone', () => {
  const detail = { summary: { item: 'PM-480' }, order: { differences: [{ item: 'TP-08' }, { item: 'HS-40' }] } } as unknown as ChangeDetail
  const along = (...keys: string[]) => ({ path: keys.map((key) => ({ kind: 'item', key, name: key })) }) as unknown as ImpactRow
  expect(balloonsOf(along('PM-480', 'T-1'), detail)).toEqual([1, 2])
  expect(balloonsOf(along('HS-40', 'PM-480', 'T-1'), detail)).toEqual([2])
  expect(balloonsOf(along('MB-7'), detail)).toEqual([])
})
