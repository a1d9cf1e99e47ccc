// The steps of one open matrix page: writing, asking, withdrawing, answering; a refusal stays beside what was typed.
import { computed, ref, shallowRef, watch, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useQueryClient } from '@tanstack/vue-query'
import { answerRow, confirmReceived, sendMatrix, withdrawMatrix, word, type Compensation, type Matrix, type Row } from '@/api/consents'
import { asProblem, type Problem } from '@/api/problem'
import { atStake, merged, type ConflictRow } from '@/lib/conflict'
import { useFormat } from '@/lib/format'
import { useToasts } from '@/stores/toasts'
import { formOfParts, partsOf } from './clash'
import { useCompensation } from './compensation'
import { bodyOf, dueAt, formOf, type AdjustmentForm, type MatrixForm, type RowForm } from './form'

const FOUND = new Set(['owner', 'next_owner', 'lead', 'waits', 'needed', 'module', 'helper'])

export function useSteps(id: Ref<string>, matrix: Ref<Matrix | undefined>, refetch: () => Promise<unknown>) {
  const { t } = useI18n()
  const { isoDay } = useFormat()
  const compensation = useCompensation()
  const queries = useQueryClient()
  const toasts = useToasts()
  const form = ref<MatrixForm>()
  /** What the form was made from: saving an older one is refused, and both are shown. */
  const base = shallowRef<Matrix>()
  const comparing = ref(false)
  const before = ref<(string | null)[]>([])
  const problem = ref<Problem>()
  const busy = ref<string>()
  const editing = computed(() => form.value !== undefined)
  const overtaken = computed(() => editing.value && matrix.value !== undefined && matrix.value.version > (base.value?.version ?? 0))
  const otherError = computed(() => (problem.value && !problem.value.errors.length ? problem.value.message : undefined))

  const defaultAction = (row: Row) => (FOUND.has(row.found_by) ? t(`consent.actionOf_.${row.found_by}`, { code: row.task_code ?? '' }) : '')
  function edit(one: Matrix) {
    form.value = formOf(one, isoDay, defaultAction)
    base.value = one
    comparing.value = false
    problem.value = undefined
  }
  const partsAt = (one: Matrix) => partsOf(formOf(one, isoDay, defaultAction))
  const stake = computed<ConflictRow[]>(() => {
    if (!overtaken.value || !form.value || !base.value) return []
    const now = partsAt(matrix.value!)
    const mine = partsOf(form.value)
    return atStake(partsAt(base.value), now, mine).map((name) => ({ name, label: labelOf(name, now[name] ?? mine[name]), theirs: words(name, now[name]), mine: words(name, mine[name]) }))
  })
  const codes = computed(() => new Map((matrix.value?.adjustments ?? []).map((one) => [one.task, one.task_code])))
  function labelOf(name: string, part: unknown): string {
    if (name.startsWith('row:')) return [(part as RowForm).name, (part as RowForm).taskCode].filter(Boolean).join(' ')
    if (!name.startsWith('target:')) return t(`consent.${name}`)
    const { task, field } = part as AdjustmentForm
    return `${codes.value.get(task) ?? ''} ${t(`task.target.${field}`)}`.trim()
  }
  function words(name: string, part: unknown): string {
    if (name.startsWith('target:')) return (part as AdjustmentForm | undefined)?.value ?? ''
    if (!name.startsWith('row:')) return String(part ?? '')
    const row = part as RowForm | undefined
    if (!row) return ''
    const given = row.kind ? compensation({ kind: row.kind, amount: row.amount || '0', helper: row.helper || null } as Compensation) : '—'
    return `${row.action || '—'}\n${row.hours || '—'} h\n${given}`
  }
  /** The reader's own parts on the newest matrix; those not wanted are given up. */
  function layOver(wanted: readonly string[]) {
    const now = matrix.value!
    const givenUp = stake.value.map((row) => row.name).filter((name) => !wanted.includes(name))
    form.value = formOfParts(merged(partsAt(base.value!), partsAt(now), partsOf(form.value!), givenUp))
    base.value = now
    comparing.value = false
  }
  // a draft opens for writing; whoever is writing keeps what was typed
  watch(matrix, (one) => one && one.summary.state === 'draft' && one.may_edit && !form.value && edit(one), { immediate: true })
  watch(id, () => (form.value = undefined))

  function took(after: Matrix) {
    queries.setQueryData(['consent', id], after)
    for (const key of ['consents', 'consent', 'inbox', 'unread']) void queries.invalidateQueries({ queryKey: [key] })
  }
  async function step(name: string, run: () => Promise<Matrix>, done?: string): Promise<Matrix | undefined> {
    busy.value = name
    problem.value = undefined
    try {
      const after = await run()
      took(after)
      if (done) toasts.show(done)
      return after
    } catch (error) {
      problem.value = asProblem(error)
      if (!problem.value) toasts.show(t('state.unreachable'), 'red')
      else if (!editing.value) toasts.show(problem.value.message, 'red')
      if (problem.value?.status === 409) await refetch()
    } finally {
      busy.value = undefined
    }
  }
  const valueOf = (one: AdjustmentForm) => (one.field === 'due_at' && one.value ? dueAt(one.value, before.value[form.value!.adjustments.indexOf(one)], isoDay) : one.value.trim())
  async function save(): Promise<Matrix | undefined> {
    if (!form.value || !matrix.value) return undefined
    const after = await step('save', () => word(id.value, bodyOf(form.value!, base.value!.version, matrix.value!.change, valueOf)))
    if (after) edit(after)
    else if (overtaken.value) {
      comparing.value = true
      problem.value = undefined
    }
    return after
  }
  async function saveDraft() {
    if (await save()) toasts.show(t('consent.saved'))
  }
  async function ask() {
    const saved = await save()
    const after = saved && (await step('send', () => sendMatrix(id.value, saved.version), t('consent.sent')))
    if (after) form.value = undefined
  }
  async function withdraw() {
    if (await step('withdraw', () => withdrawMatrix(id.value, matrix.value!.version), t('consent.withdrawnDone'))) form.value = undefined
  }
  const accept = (row: Row) => void step(row.row, () => answerRow(id.value, row.row, { revision: matrix.value!.summary.revision, answer: 'accepted' }), t('consent.acceptedDone'))
  const receive = (row: Row) => void step(row.row, () => confirmReceived(id.value, row.row), t('consent.receivedDone'))
  const stopEditing = () => (form.value = undefined)
  const known = (index: number, value: string | null) => (before.value[index] = value)

  return { form, base, stake, comparing, layOver, busy, problem, otherError, editing, overtaken, edit, stopEditing, known, took, saveDraft, ask, withdraw, accept, receive }
}
