// Two writers of one draft: a decision table as parts that can be held against each other, and put together again.
import type { Case, Row, Table } from '@/api/rules'
import { atStake, merged, type ConflictRow } from '@/lib/conflict'
import type { RuleWords } from '@/lib/rules'

export interface Written {
  table: Table
  title: string
  titleEn: string
}
type Parts = Record<string, unknown>

/** `row:<id>` and `case:<id>` beside what concerns the whole table; the order of rows is a part of its own. */
export function partsOf({ table, title, titleEn }: Written): Parts {
  const { rows, cases, ...whole } = table
  return {
    title, titleEn, whole, order: rows.map((row) => row.id),
    ...Object.fromEntries(rows.map((row) => [`row:${row.id}`, row])),
    ...Object.fromEntries(cases.map((one) => [`case:${one.id}`, one])),
  }
}
export function writtenOf(parts: Parts): Written {
  const of = <T>(prefix: string) => Object.entries(parts).filter(([name, value]) => name.startsWith(prefix) && value !== undefined).map(([, value]) => value as T)
  const order = parts.order as string[]
  const place = (row: Row) => (order.includes(row.id) ? order.indexOf(row.id) : order.length)
  const rows = of<Row>('row:').sort((a, b) => place(a) - place(b))
  const known = new Set(rows.map((row) => row.id))
  const cases = of<Case>('case:').map((one) => ({ ...one, rows: one.rows?.filter((id) => known.has(id)) ?? one.rows }))
  return { title: String(parts.title), titleEn: String(parts.titleEn), table: { ...(parts.whole as Table), rows, cases } }
}

/** What both have changed; the order and the columns are no texts and follow the reader's. */
export function clashes(before: Written, now: Written, mine: Written, words: RuleWords, t: (key: string, values?: Record<string, unknown>) => string): ConflictRow[] {
  const [b, n, m] = [partsOf(before), partsOf(now), partsOf(mine)]
  const said = (parts: Parts, name: string): string => {
    const part = parts[name]
    if (part === undefined) return t('rules.clash.removed')
    if (name.startsWith('row:')) {
      const row = part as Row
      return `${words.conditions(row.when) || t('rules.any')} → ${Object.entries(row.then).map(([effect, values]) => `${words.effectLabel(effect)} ${words.effect(effect, values)}`).join(t('rules.comma'))}`
    }
    return name.startsWith('case:') ? (part as Case).title : String(part)
  }
  const numberOf = (name: string) => {
    const id = name.slice(name.indexOf(':') + 1)
    const at = mine.table.rows.findIndex((row) => row.id === id)
    return at >= 0 ? at : now.table.rows.findIndex((row) => row.id === id)
  }
  return atStake(b, n, m)
    .filter((name) => name !== 'order' && name !== 'whole')
    .map((name) => ({
      name,
      label: name.startsWith('row:') ? t('rules.clash.row', { n: numberOf(name) + 1 }) : name.startsWith('case:') ? t('rules.clash.case') : t(`rules.clash.${name}`),
      theirs: said(n, name),
      mine: said(m, name),
    }))
}

export function settled(before: Written, now: Written, mine: Written, givenUp: readonly string[]): Written {
  return writtenOf(merged(partsOf(before), partsOf(now), partsOf(mine), givenUp))
}
