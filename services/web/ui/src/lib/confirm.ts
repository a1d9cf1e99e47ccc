// Confirming a notice: sent at once or kept until the connection is back; it stops the escalation visibly.
import { ref } from 'vue'
import { useI18n } from 'vue-i18n'
import { useQueryClient } from '@tanstack/vue-query'
import { confirmPath, type Notice } from '@/api/notify'
import { asProblem } from '@/api/problem'
import { useConnection } from '@/stores/connection'
import { useSession } from '@/stores/session'
import { useToasts } from '@/stores/toasts'

export function useConfirm() {
  const { t } = useI18n()
  const queries = useQueryClient()
  const connection = useConnection()
  const session = useSession()
  const toasts = useToasts()
  const busy = ref<string>()

  async function confirm(notice: Pick<Notice, 'notice'>) {
    busy.value = notice.notice
    try {
      const how = await connection.sendOrKeep(session.id, confirmPath(notice.notice), undefined, notice.notice)
      if (how === 'waiting') toasts.show(t('inbox.kept'), 'amber')
      else toasts.show(t('inbox.confirmed'))
      for (const key of ['inbox', 'unread', 'notice', 'deliveries']) void queries.invalidateQueries({ queryKey: [key] })
    } catch (error) {
      toasts.show(asProblem(error)?.message ?? t('state.unreachable'), 'red')
    } finally {
      busy.value = undefined
    }
  }
  return { confirm, busy }
}
