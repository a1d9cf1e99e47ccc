// The steps of one open matrix page: writing, asking, withdrawing, answering; a refusal stays beside what was typed.
import { computed, ref, watch, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useQueryClient } from '@tanstack/vue-query'
import { answerRow, confirmReceived, sendMatrix, withdrawMatrix, word, type Matrix, type Row } from '@/api/consents'
import { asProblem, type Problem } from '@/api/problem'
import { useFormat } from '@/lib/format'
import { useToasts } from '@/stores/toasts'
import { bodyOf, dueAt, formOf, type AdjustmentForm, type MatrixForm } from './form'

const FOUND = new Set(['owner', 'next_owner', 'lead', 'module', 'helper'])

export function useSteps(id: Ref<string>, matrix: Ref<Matrix | undefined>, refetch: () => void) {
  const { t } = useI18n()
  const { isoDay } = useFormat()
  const queries = useQueryClient()
  const toasts = useToasts()
  const form = ref<MatrixForm>()
  /** The version that the form was made from: saving an older one is refused and both are kept. */
  const based = ref(0)
  const before = ref<(string | null)[]>([])
  const problem = ref<Problem>()
  const busy = ref<string>()
  const editing = computed(() => form.value !== undefined)
  const overtaken = computed(() => editing.value && matrix.value !== undefined && matrix.value.version > based.value)
  const otherError = computed(() => (problem.value && !problem.value.errors.length ? problem.value.message : undefined))

  const defaultAction = (row: Row) => (FOUND.has(row.found_by) ? t(`consent.actionOf_.${row.found_by}`, { code: row.task_code ?? '' }) : '')
  function edit(one: Matrix) {
    form.value = formOf(one, isoDay, defaultAction)
    based.value = one.version
    problem.value = undefined
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
      if (problem.value?.status === 409) refetch()
    } finally {
      busy.value = undefined
    }
  }
  const valueOf = (one: AdjustmentForm) => (one.field === 'due_at' && one.value ? dueAt(one.value, before.value[form.value!.adjustments.indexOf(one)], isoDay) : one.value.trim())
  async function save(): Promise<Matrix | undefined> {
    if (!form.value || !matrix.value) return undefined
    const after = await step('save', () => word(id.value, bodyOf(form.value!, based.value, matrix.value!.change, valueOf)))
    if (after) edit(after)
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

  return { form, based, busy, problem, otherError, editing, overtaken, edit, stopEditing, known, took, saveDraft, ask, withdraw, accept, receive }
}
