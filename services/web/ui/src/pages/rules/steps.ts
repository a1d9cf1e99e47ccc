// The steps of one rule page: save, submit, approve, send back, end; import; the dry run.
import { computed, ref, type Ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useQueryClient } from '@tanstack/vue-query'
import { useRouter } from 'vue-router'
import { approve as approveIt, callBack as callItBack, discard as discardIt, draftFrom, dryRun, readJdm, retire, saveDraft, sendBack, submit, type DryRun, type Table, type TablePage } from '@/api/rules'
import { asProblem } from '@/api/problem'
import { useSession } from '@/stores/session'
import { useToasts } from '@/stores/toasts'
import type { useForm } from './form'
import type { Step } from './StepDialog.vue'

const LAST = 20

export function useSteps(name: Ref<string>, page: Ref<TablePage | undefined>, form: ReturnType<typeof useForm>) {
  const { t } = useI18n()
  const queries = useQueryClient()
  const router = useRouter()
  const session = useSession()
  const toasts = useToasts()
  const busy = ref<string>()
  const problem = ref<string>()
  const overtaken = ref(false)
  const dry = ref<DryRun>()
  const edits = computed(() => session.has('process_owner', 'administrator'))

  async function attempt<T>(what: string, run: () => Promise<T>): Promise<T | undefined> {
    busy.value = what
    problem.value = undefined
    try {
      return await run()
    } catch (error) {
      const found = asProblem(error)
      problem.value = found?.code === 'stale' ? undefined : found ? [found.message, ...found.errors.map((one) => one.message)].join(t('rules.comma')) : t('state.unreachable')
      if (found?.code === 'stale') {
        overtaken.value = true
        void queries.invalidateQueries({ queryKey: ['rule', name.value] })
      }
    } finally {
      busy.value = undefined
    }
  }
  function took(after: TablePage, words: string) {
    overtaken.value = false
    if (after.may_edit) form.take(after)
    else form.table.value = undefined
    queries.setQueryData(['rule', name.value, page.value?.version.version], after)
    for (const key of [['rules'], ['rule', name.value]]) void queries.invalidateQueries({ queryKey: key })
    toasts.show(words)
  }
  async function stepped(what: string, words: string, run: () => Promise<TablePage>) {
    const after = await attempt(what, run)
    if (after) took(after, words)
    return after
  }
  const save = () => stepped('save', t('rules.saved'), () => saveDraft(page.value!, form.title.value, form.titleEn.value, form.table.value!))
  async function take(step: Step, given: { since: string | null; until: string | null; reason: string }) {
    if (step === 'send_back') return stepped(step, t('rules.done.send_back'), () => sendBack(page.value!, given.reason))
    if (step === 'retire') return stepped(step, t('rules.done.retire'), () => retire(page.value!, given.reason))
    const saved = form.dirty.value ? await save() : page.value
    if (saved) await stepped(step, t('rules.done.submit'), () => submit(saved, given.since, given.until))
  }
  const approve = () => stepped('approve', t('rules.done.approve'), () => approveIt(page.value!))
  const callBack = () => stepped('call_back', t('rules.done.call_back'), () => callItBack(page.value!))
  const discard = () => (window.confirm(t('rules.discardText')) ? stepped('discard', t('rules.done.discard'), () => discardIt(page.value!)) : undefined)
  async function draft() {
    const after = await attempt('draft', () => draftFrom(name.value, page.value!.version.version))
    if (!after) return
    for (const key of [['rules'], ['rule', name.value]]) void queries.invalidateQueries({ queryKey: key })
    await router.push({ path: `/rules/${name.value}`, query: { version: after.version.version } })
  }
  async function run(table: Table) {
    dry.value = (await attempt('dry', () => dryRun(name.value, table, LAST))) ?? dry.value
  }
  async function importFile(input: HTMLInputElement) {
    const file = input.files?.[0]
    input.value = ''
    if (!file) return
    const model = await file.text().then((text) => JSON.parse(text) as Record<string, unknown>).catch(() => undefined)
    if (!model || typeof model !== 'object' || Array.isArray(model)) {
      problem.value = t('rules.noJson', { name: file.name })
      return
    }
    const table = await attempt('import', () => readJdm(model))
    if (table) {
      form.table.value = table
      toasts.show(t('rules.imported', { name: file.name }))
    }
  }
  return { busy, problem, overtaken, dry, edits, save, take, approve, callBack, discard, draft, run, importFile }
}
