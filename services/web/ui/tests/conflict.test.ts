// Two writers of one thing: what is at stake, and what comes of the choice.
import { expect, it } from 'vitest'
import type { Table } from '@/api/rules'
import { atStake, merged } from '@/lib/conflict'
import { partsOf, settled, writtenOf } from '@/pages/rules/clash'

it('asks only about fields that both have changed to something different', () => {
  const before = { title: 'a', owner: 'x', hours: '1', gone: 'y' }
  const now = { title: 'b', owner: 'x', hours: '2', gone: 'z' }
  expect(atStake(before, now, { title: 'c', owner: 'mine', hours: '2', gone: 'y' })).toEqual(['title', 'owner'])
})

it('keeps what the other changed elsewhere, and what the reader has not given up', () => {
  const before = { title: 'a', owner: 'x', hours: '1' }
  const now = { title: 'b', owner: 'x', hours: '2' }
  expect(merged(before, now, { title: 'c', owner: 'mine', hours: '1' }, ['title'])).toEqual({ title: 'b', owner: 'mine', hours: '2' })
})

const row = (id: string, days: string) => ({ id, when: {}, then: { due_days: [days] }, note: { zh: '', en: '' } })
const table = (...rows: ReturnType<typeof row>[]) => ({ fields: [], effects: ['due_days'], hit_policy: 'first', complete: true, rows, cases: [] }) as unknown as Table
const written = (one: Table) => ({ table: one, title: '表', titleEn: '' })

it('puts a table together again as it was', () => {
  const one = written(table(row('a', '1'), row('b', '2')))
  expect(writtenOf(partsOf(one))).toEqual(one)
})

it('joins rows of two writers, and takes the removal of one that the reader stands by', () => {
  const before = written(table(row('a', '1'), row('b', '2')))
  const now = written(table(row('a', '9'), row('b', '2'), row('c', '3')))
  const mine = written(table(row('a', '5'), row('d', '4')))
  const of = (givenUp: string[]) => settled(before, now, mine, givenUp).table.rows.map((one) => `${one.id}${one.then.due_days![0]}`)
  expect(of([])).toEqual(['a5', 'd4', 'c3'])
  expect(of(['row:a'])).toEqual(['a9', 'd4', 'c3'])
  expect(of(['row:b'])).toEqual(['a5', 'd4', 'b2', 'c3'])
})
