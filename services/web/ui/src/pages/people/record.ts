// A person's record as the form holds it and as the service takes it.
import type { PersonFields, PersonRecord, PersonValues } from '@/api/people'

export const FIELDS = ['name', 'name_latin', 'department_name', 'title', 'manager', 'email', 'roles', 'modules', 'leaves_on'] as const
export type Field = (typeof FIELDS)[number]
export type PersonForm = Record<Field, string | string[]>

/** What HR never says: always one's own. */
const OURS: readonly Field[] = ['leaves_on']
export const ROLES = ['test_engineer', 'project_lead', 'manager', 'process_owner', 'hr', 'director', 'auditor', 'integrator', 'administrator'] as const

export function blank(): PersonForm {
  return { name: '', name_latin: '', department_name: '', title: '', manager: '', email: '', roles: [], modules: [], leaves_on: '' }
}

export function formOf(values: PersonValues): PersonForm {
  return Object.fromEntries(
    FIELDS.map((field) => {
      const value = values[field]
      if (field === 'roles') return [field, values.roles.filter((role) => role !== 'employee').sort()]
      return [field, Array.isArray(value) ? [...value].sort() : (value ?? '')]
    }),
  ) as PersonForm
}

/** The fields that are entered here: all of them where HR does not know the person. */
export function ownOf(record: PersonRecord | undefined): Set<Field> {
  return record?.from_hr ? new Set(FIELDS.filter((field) => OURS.includes(field) || record.own.includes(field))) : new Set(FIELDS)
}

export function isOurs(field: Field): boolean {
  return OURS.includes(field)
}

export function bodyOf(form: PersonForm, own: ReadonlySet<Field>, active: boolean): PersonFields {
  const fields = FIELDS.filter((field) => own.has(field)).map((field) => {
    const value = form[field]
    return [field, Array.isArray(value) ? value : value.trim() || null] as const
  })
  return { ...Object.fromEntries(fields.filter(([field, value]) => !(isOurs(field) && value === null))), ...(active ? {} : { active: false }) } as PersonFields
}
