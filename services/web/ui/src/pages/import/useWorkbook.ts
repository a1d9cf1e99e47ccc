// One workbook on its way in: chosen, checked without writing, then written as a whole or not at all.
import { computed, ref, type MaybeRefOrGetter, toValue } from 'vue'
import { useI18n } from 'vue-i18n'
import { sendWorkbook, type Checked } from '@/api/workbooks'
import { useActing } from '@/lib/acting'

export function useWorkbook(address: MaybeRefOrGetter<string>) {
  const { t } = useI18n()
  const { busy, refusal, act } = useActing('tree', 'board', 'boards', 'week', 'edits')
  const file = ref<File>()
  const checked = ref<Checked>()
  const unread = ref('')
  const errors = computed(() => checked.value?.errors ?? [])
  const effects = computed(() => checked.value?.effects ?? [])
  const ready = computed(() => !!checked.value && !checked.value.applied && !errors.value.length && effects.value.length > 0)

  async function pass(dryRun: boolean) {
    if (!file.value) return
    unread.value = ''
    try {
      await file.value.slice(0, 1).arrayBuffer() // a browser no longer reads a file that has changed since it was chosen
    } catch {
      checked.value = undefined
      unread.value = t('workbook.changedOnDisk')
      return
    }
    const done = await act(async () => (checked.value = await sendWorkbook(toValue(address), file.value!, dryRun)), dryRun ? undefined : t('workbook.applied'))
    if (!done) checked.value = undefined
  }
  function choose(chosen: File | undefined) {
    file.value = chosen
    checked.value = undefined
    refusal.value = undefined
    if (chosen) void pass(true)
  }
  const problem = computed(() => unread.value || refusal.value?.errors[0]?.message || refusal.value?.message || '')
  return { file, checked, errors, effects, ready, busy, problem, choose, check: () => pass(true), apply: () => pass(false) }
}
