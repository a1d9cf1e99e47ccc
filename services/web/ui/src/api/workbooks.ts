// A tree as a workbook: out, and in after a dry run.
import { json, send } from './http'
import type { components } from './schema/goals'

type Schemas = components['schemas']
export type Checked = Schemas['Checked']
export type WrongCell = Schemas['WrongCell']
export type RowEffect = Schemas['RowEffect']

const TYPE = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'
export const emptyWorkbook = '/api/goals/workbooks/empty'
export const newFromWorkbook = '/api/goals/workbooks'
export const workbookOf = (project: string) => `/api/goals/projects/${project}/workbook`

/** What the workbook would do, or does; `address` says whose tree it is. */
export const sendWorkbook = (address: string, file: Blob, dryRun: boolean) =>
  json<Checked>(`${address}${address.includes('?') ? '&' : '?'}dry_run=${dryRun}`, { method: 'POST', headers: { 'Content-Type': TYPE }, body: file })

/** Save a file of a service under a name: asked for by script, so that it comes in the reader's language. */
export async function download(address: string, name: string): Promise<void> {
  const answer = await send(address)
  if (!answer.ok) throw new Error(String(answer.status))
  const link = document.createElement('a')
  link.href = URL.createObjectURL(await answer.blob())
  link.download = name
  link.click()
  URL.revokeObjectURL(link.href)
}
