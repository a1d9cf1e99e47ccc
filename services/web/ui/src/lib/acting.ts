// One act at a time on a page: busy while it runs, its refusal afterwards, and what is to be asked again.
import { ref } from 'vue'
import { useQueryClient } from '@tanstack/vue-query'
import { useI18n } from 'vue-i18n'
import { asProblem, type Problem } from '@/api/problem'
import { useToasts } from '@/stores/toasts'

export function useActing(...stale: string[]) {
  const { t } = useI18n()
  const queries = useQueryClient()
  const toasts = useToasts()
  const busy = ref(false)
  const refusal = ref<Problem>()

  /** True when it was done. */
  async function act(what: () => Promise<unknown>, done?: string): Promise<boolean> {
    busy.value = true
    refusal.value = undefined
    try {
      await what()
      if (done) toasts.show(done)
      for (const key of stale) void queries.invalidateQueries({ queryKey: [key] })
      return true
    } catch (error) {
      refusal.value = asProblem(error)
      if (!refusal.value) toasts.show(t('state.unreachable'), 'red')
      return false
    } finally {
      busy.value = false
    }
  }
  return { busy, refusal, act }
}
