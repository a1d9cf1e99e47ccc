// Decision tables: read, edit, check, try on the past, approve; and why a row of an impact is as it is.
import { toValue, type MaybeRefOrGetter } from 'vue'
import { useQuery } from '@tanstack/vue-query'
import { changes } from './clients'
import { unwrap } from './http'
import type { components } from './schema/changes'

type Schemas = components['schemas']
export type Catalogue = Schemas['Catalogue']
export type Field = Schemas['FieldReply']
export type TableList = Schemas['TableList']
export type OrderCheck = Schemas['OrderCheck']
export type TableSummary = Schemas['TableSummary']
export type TablePage = Schemas['TablePage']
export type Table = Schemas['TableReply']
export type Row = Schemas['RuleRow']
export type Case = Schemas['CaseReply']
export type Condition = Schemas['ConditionReply']
export type Checked = Schemas['CheckedReply']
export type Finding = Schemas['FindingReply']
export type Tested = Schemas['TestedReply']
export type VersionSummary = Schemas['VersionSummary']
export type DryRun = Schemas['DryRun']
export type Difference = Schemas['DifferenceReply']
export type Reasons = Schemas['Reasons']
/** How a table is drawn with a trace: rows that fired, and of the others the first condition not met. */
export type Trace = Pick<Tested, 'hits' | 'stopped'>

export function useTables() {
  return useQuery({ queryKey: ['rules'], queryFn: () => unwrap(changes.GET('/api/changes/rules')) })
}

export function useCatalogue() {
  return useQuery({ queryKey: ['rule-catalogue'], queryFn: () => unwrap(changes.GET('/api/changes/rules/catalogue')), staleTime: 60_000 })
}

export function useTable(name: MaybeRefOrGetter<string>, version: MaybeRefOrGetter<number | undefined>) {
  return useQuery({
    queryKey: ['rule', name, version],
    queryFn: () => unwrap(changes.GET('/api/changes/rules/{name}', { params: { path: { name: toValue(name) }, query: { version: toValue(version) } } })),
  })
}

export function useDifference(name: MaybeRefOrGetter<string>, version: MaybeRefOrGetter<number>, other: MaybeRefOrGetter<number>) {
  return useQuery({
    queryKey: ['rule', name, 'difference', version, other],
    queryFn: () => unwrap(changes.GET('/api/changes/rules/{name}/versions/{version}/difference/{other}', { params: { path: { name: toValue(name), version: toValue(version), other: toValue(other) } } })),
  })
}

export function useReasons(change: MaybeRefOrGetter<string>, row: MaybeRefOrGetter<string>, enabled: () => boolean) {
  return useQuery({
    enabled,
    queryKey: ['reasons', change, row],
    queryFn: () => unwrap(changes.GET('/api/changes/changes/{change}/rows/{row}/reasons', { params: { path: { change: toValue(change), row: toValue(row) } } })),
    staleTime: Infinity,
  })
}

const at = (name: string, version: number) => ({ params: { path: { name, version } } })
const STEP = '/api/changes/rules/{name}/versions/{version}'

export const createTable = (title: string, complete: boolean) => unwrap(changes.POST('/api/changes/rules', { body: { title, complete } }))
export const draftFrom = (name: string, based_on: number) => unwrap(changes.POST('/api/changes/rules/{name}/versions', { params: { path: { name } }, body: { based_on } }))
export const saveDraft = (page: TablePage, title: string, title_en: string, table: Table) =>
  unwrap(changes.PUT(STEP, { ...at(page.name, page.version.version), body: { edition: page.edition, title, title_en, table } }))
export const checkTable = (table: Table) => unwrap(changes.POST('/api/changes/rules/check', { body: table }))
export const dryRun = (name: string, table: Table, last: number) => unwrap(changes.POST('/api/changes/rules/{name}/dry-run', { params: { path: { name } }, body: { table, last } }))
export const readJdm = (model: Record<string, unknown>) => unwrap(changes.POST('/api/changes/rules/read-jdm', { body: { model } }))
export const jdmPath = (name: string, version: number) => `/api/changes/rules/${encodeURIComponent(name)}/versions/${version}/jdm`

export const submit = (page: TablePage, since: string | null, until: string | null) =>
  unwrap(changes.POST(`${STEP}/submit`, { ...at(page.name, page.version.version), body: { edition: page.edition, since, until } }))
export const approve = (page: TablePage) => unwrap(changes.POST(`${STEP}/approve`, { ...at(page.name, page.version.version), body: { edition: page.edition } }))
export const callBack = (page: TablePage) => unwrap(changes.POST(`${STEP}/call-back`, { ...at(page.name, page.version.version), body: { edition: page.edition } }))
export const discard = (page: TablePage) => unwrap(changes.POST(`${STEP}/discard`, { ...at(page.name, page.version.version), body: { edition: page.edition } }))
export const sendBack = (page: TablePage, reason: string) => unwrap(changes.POST(`${STEP}/send-back`, { ...at(page.name, page.version.version), body: { reason } }))
export const retire = (page: TablePage, reason: string) => unwrap(changes.POST(`${STEP}/retire`, { ...at(page.name, page.version.version), body: { reason } }))

export const checkOrder = (names: string[]) => unwrap(changes.POST('/api/changes/rule-orders/check', { body: { names } }))
export const proposeOrder = (names: string[]) => unwrap(changes.POST('/api/changes/rule-orders', { body: { names } }))
export const approveOrder = (number: number) => unwrap(changes.POST('/api/changes/rule-orders/{number}/approve', { params: { path: { number } } }))
export const refuseOrder = (number: number) => unwrap(changes.POST('/api/changes/rule-orders/{number}/refuse', { params: { path: { number } } }))
