// What the people of a manager have at hand: who needs attention first, then who has most.
import type { Person, Workload } from '@/api/people'

export interface Member extends Required<Workload> {
  person: string
  name: string
  title: string | null
}

export interface Team {
  people: number
  /** Those who have something open. */
  busy: Member[]
  /** How many of them are late or locked. */
  held: number
}

const held = (one: Member) => one.late + one.locked
const needs = (one: Member) => held(one) + one.retests

export function teamOf(people: readonly Person[], workloads: Readonly<Record<string, Workload | undefined>>, manager: string): Team {
  const mine = people.filter((one) => one.manager === manager)
  const busy = mine
    .map((one) => ({ open: 0, late: 0, locked: 0, retests: 0, ...workloads[one.person], person: one.person, name: one.name, title: one.title ?? null }))
    .filter((one) => one.open || needs(one))
    .sort((a, b) => needs(b) - needs(a) || b.open - a.open || a.person.localeCompare(b.person))
  return { people: mine.length, busy, held: busy.filter(held).length }
}
