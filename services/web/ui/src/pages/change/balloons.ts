// Pointing at one thing marks what belongs to it: BOM line, path, person, card, lock and target of one change.
import { onBeforeUnmount, onMounted, type Ref } from 'vue'
import type { ChangeDetail, ImpactRow } from '@/api/changes'

/**
 * Value of `data-b`: first what the element is, then what it belongs to. Two elements belong together when one names
 * what the other is; that both belong to a third is not enough.
 */
export const bound = (own: string, ...to: (string | null | undefined | false)[]): string => [own, ...to.filter(Boolean)].join(' ')
export const line = (item: string): string => `line:${item}`
export const person = (id: string | null | undefined): string | false => Boolean(id) && `person:${id}`
export const task = (id: string | null | undefined): string | false => Boolean(id) && `task:${id}`

export function together(one: string, other: string): boolean {
  const [mine, theirs] = [one.split(' '), other.split(' ')]
  return mine.includes(theirs[0]!) || theirs.includes(mine[0]!)
}

/** Numbers of the BOM lines that led to a row: those on its path, or all when it starts at the changed item itself. */
export function balloonsOf(row: ImpactRow, detail: ChangeDetail): number[] {
  const keys = new Set((row.path ?? []).map((step) => step.key))
  const all = detail.order.differences.map((one, at) => ({ item: one.item, number: at + 1 }))
  const named = all.filter((one) => keys.has(one.item))
  return (named.length ? named : keys.has(detail.summary.item) ? all : []).map((one) => one.number)
}

export function useBalloons(sheet: Ref<HTMLElement | undefined>): void {
  const places = () => [...(sheet.value?.querySelectorAll<HTMLElement | SVGElement>('[data-b]') ?? [])]
  function mark(event: Event) {
    const near = (event.target as Element | null)?.closest<HTMLElement | SVGElement>('[data-b]')?.dataset.b
    for (const one of places()) one.classList.toggle('hot', Boolean(near) && together(near!, one.dataset.b!))
  }
  function clear() {
    for (const one of places()) one.classList.remove('hot')
  }
  const listeners = [
    ['mouseover', mark],
    ['mouseout', clear],
    ['focusin', mark],
    ['focusout', clear],
  ] as const
  onMounted(() => listeners.forEach(([name, listener]) => document.addEventListener(name, listener)))
  onBeforeUnmount(() => listeners.forEach(([name, listener]) => document.removeEventListener(name, listener)))
}
