// Impact graph (C3): layers from item to person, nothing drawn over something else.
import { describe, expect, it } from 'vitest'
import type { ImpactRow } from '@/api/changes'
import { graphOf, through } from '@/pages/change/graph'

const step = (kind: string, key: string) => ({ kind, key, name: key })
const row = (id: string, path: string[], task: string | null, person: string): ImpactRow =>
  ({ row: id, action: 'lock', person, person_name: person, task, task_code: task, task_title: task, path: [...path.map((key) => step('module', key)), ...(task ? [step('goal', 'G'), step('task', task)] : []), step('person', person)] }) as unknown as ImpactRow

const rows = [row('1', ['PM', 'CC'], 'T1', 'p1'), row('2', ['PM', 'CC'], 'T2', 'p2'), row('3', ['PM'], 'T3', 'p1'), row('4', ['PM', 'CC', 'GX'], null, 'p3')]

describe('impact graph', () => {
  it('puts items by level, then tasks, then people', () => {
    const graph = graphOf(rows)
    const column = Object.fromEntries(graph.nodes.map((one) => [one.key, one.column]))
    expect(column).toMatchObject({ PM: 0, CC: 1, GX: 2, T1: 3, T2: 3, T3: 3, p1: 4, p2: 4, p3: 4 })
    expect(graph.nodes.length).toBe(9)
  })
  it('gives every node a place of its own', () => {
    const places = graphOf(rows).nodes.map((one) => `${one.column}/${one.place}`)
    expect(new Set(places).size).toBe(places.length)
  })
  it('marks the whole way through a node, not its neighbours', () => {
    const graph = graphOf(rows)
    expect([...through(graph, 'task:T3')].sort()).toEqual(['item:PM', 'person:p1', 'task:T3'])
    expect(through(graph, 'item:CC').has('task:T3')).toBe(false)
  })
  it('says how many rows it leaves out', () => {
    expect(graphOf(Array.from({ length: 60 }, (_, n) => row(String(n), ['PM'], `T${n}`, 'p'))).left).toBe(20)
  })
  it('draws the way from the item over an open order to its supplier', () => {
    const one = { supplier: 'S001', supplier_name: '华芯电子', order: 'PO-1', line: 1, item: 'DCM-2410', item_name: 'DC-DC 变换器', effect: 'replaced', outstanding: '70', promised_at: null, path: [{ kind: 'item', key: 'PM', name: '电源模块' }] }
    const graph = graphOf([row('1', ['PM'], 'T1', 'p')], [one, { ...one, order: 'PO-2' }])
    expect(through(graph, 'supplier:S001')).toEqual(new Set(['supplier:S001', 'order:PO-1/1', 'order:PO-2/1', 'item:PM']))
  })
})
