// A decision table while it is being written: rows, columns and tests, each change at once in the table.
import { computed, ref, type Ref } from 'vue'
import type { Case, Condition, Table, TablePage } from '@/api/rules'
import { settled, type Written } from './clash'

const clone = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T

function freshId(prefix: string, taken: readonly string[]): string {
  let number = taken.length + 1
  while (taken.includes(`${prefix}-${number}`)) number++
  return `${prefix}-${number}`
}

const written = (from: TablePage): Written => ({ table: clone(from.table), title: from.title.zh, titleEn: from.title.en === from.title.zh ? '' : from.title.en })

export function useForm(page: Ref<TablePage | undefined>) {
  const table = ref<Table>()
  const title = ref('')
  const titleEn = ref('')
  const saved = ref('')
  /** What the writing began with, and in which edition. */
  const began = ref<Written & { edition: number }>()
  const state = () => JSON.stringify([table.value, title.value, titleEn.value])
  const dirty = computed(() => table.value !== undefined && state() !== saved.value)

  function take(from: TablePage) {
    table.value = clone(from.table)
    title.value = from.title.zh
    titleEn.value = from.title.en === from.title.zh ? '' : from.title.en
    saved.value = state()
    began.value = { ...written(from), edition: from.edition }
  }
  /** After a stale save: the newest edition with what is kept of one's own over it. */
  function settle(now: TablePage, givenUp: readonly string[]) {
    const result = settled(began.value!, written(now), { table: clone(table.value!), title: title.value, titleEn: titleEn.value }, givenUp)
    take(now)
    table.value = clone(result.table)
    title.value = result.title
    titleEn.value = result.titleEn
  }
  const shown = computed(() => table.value ?? page.value?.table)

  function setCondition(row: number, field: string, condition: Condition | undefined) {
    const when = table.value!.rows[row]!.when
    if (condition) when[field] = condition
    else delete when[field]
  }
  function setEffect(row: number, effect: string, values: string[]) {
    const then = table.value!.rows[row]!.then
    if (values.length) then[effect] = values
    else delete then[effect]
  }
  function insert(place: number, when: Record<string, Condition> = {}) {
    const rows = table.value!.rows
    rows.splice(place, 0, { id: freshId('row', rows.map((row) => row.id)), when: clone(when), then: {}, note: { zh: '', en: '' } })
  }
  function remove(place: number) {
    const [gone] = table.value!.rows.splice(place, 1)
    for (const one of table.value!.cases) if (one.rows?.includes(gone!.id)) one.rows = one.rows.filter((id) => id !== gone!.id)
  }
  function move(place: number, by: number) {
    const rows = table.value!.rows
    const to = place + by
    if (to < 0 || to >= rows.length) return
    const [row] = rows.splice(place, 1)
    rows.splice(to, 0, row!)
  }
  /** Columns in the catalogue's order; what stood in a removed one is gone. */
  function setColumns(fields: string[], effects: string[]) {
    const now = table.value!
    now.fields = [...now.fields.filter((name) => fields.includes(name)), ...fields.filter((name) => !now.fields.includes(name))]
    now.effects = [...now.effects.filter((name) => effects.includes(name)), ...effects.filter((name) => !now.effects.includes(name))]
    for (const row of now.rows) {
      row.when = Object.fromEntries(Object.entries(row.when).filter(([name]) => fields.includes(name)))
      row.then = Object.fromEntries(Object.entries(row.then).filter(([name]) => effects.includes(name)))
    }
  }
  function putCase(one: Case) {
    const place = table.value!.cases.findIndex((known) => known.id === one.id)
    if (place < 0) table.value!.cases.push(clone(one))
    else table.value!.cases[place] = clone(one)
  }
  function removeCase(id: string) {
    table.value!.cases = table.value!.cases.filter((one) => one.id !== id)
  }
  const newCase = (): Case => ({ id: freshId('case', table.value!.cases.map((one) => one.id)), title: '', facts: {}, rows: [table.value!.rows[0]!.id], then: {} })

  return { table, title, titleEn, began, dirty, shown, take, settle, written, setCondition, setEffect, insert, remove, move, setColumns, putCase, removeCase, newCase }
}
