// The company's people as rows of departments, found by words and role.
import type { Person } from '@/api/people'

export interface Department {
  name: string
  people: Person[]
  /** Open tasks of all its people. */
  load: number
}

/** The reader's own department first, then those with most to do; who belongs to none stands under an empty name. */
export function departmentsOf(people: readonly Person[], words: string, role: string, own: string | null | undefined, open: (person: string) => number): Department[] {
  const wanted = words.trim().toLowerCase()
  const has = (person: Person) =>
    [person.person, person.name, person.name_latin, person.title, person.department_name, person.manager_name].some((text) => text?.toLowerCase().includes(wanted))
  const departments = new Map<string, Person[]>()
  for (const person of people) {
    if ((wanted && !has(person)) || (role && !person.roles.includes(role))) continue
    const name = person.department_name ?? ''
    departments.set(name, [...(departments.get(name) ?? []), person])
  }
  const load = (members: readonly Person[]) => members.reduce((sum, one) => sum + open(one.person), 0)
  return [...departments]
    .map(([name, members]) => ({ name, people: members, load: load(members) }))
    .sort((a, b) => Number(b.name === own) - Number(a.name === own) || b.load - a.load)
}

/** Roles worth naming: everybody inside is an employee. */
export const ownRoles = (person: Pick<Person, 'roles'>) => person.roles.filter((role) => role !== 'employee')

/** On a phone roles stand right beside the position. */
export const saysMore = (person: Pick<Person, 'title'>, roles: string) => Boolean(roles) && roles !== person.title
